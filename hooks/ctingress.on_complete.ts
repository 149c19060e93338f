import { z } from 'zod';
import { defineHook } from '../src/core/hook.ts';

/** JSON.parse rounds these beyond 2^53, so only their being whole and within 64 bits is checked: the payload's text is kept as it came. */
const Int64 = z
  .number()
  .min(-(2 ** 63))
  .max(2 ** 63)
  .refine(Number.isInteger, 'Expected a whole number')
  .meta({ type: 'integer', format: 'int64', description: 'Nanoseconds since the epoch, UTC.' });

const Stream = z.looseObject({ StartNs: Int64, EndNs: Int64, ProcessedAtNs: Int64, Uuid: z.string() });

const DataSet = z.looseObject({
  Error: z.string().meta({ description: 'Empty when nothing went wrong.' }),
  Name: z.string().meta({ description: 'Path of the config file within the archive.' }),
  Streams: z.array(Stream).nullable(),
  Success: z.boolean(),
});

/** What became of one archive of COMTRADE files (B11). Further members may come with it. */
const IngressReport = z
  .looseObject({
    DataSets: z.array(DataSet),
    File: z.string().meta({ description: 'Name of the uploaded archive.' }),
    RequestID: z.string(),
    SubmittedAt: z.string(),
  })
  .meta({ title: 'IngressReport', description: 'What became of one archive of COMTRADE files.' });

export const ctingressOnComplete = defineHook({
  name: 'ctingress.on_complete',
  fires: 'when an archive of COMTRADE files has been processed, by a trigger from the ingress',
  kind: 'external',
  payload: IngressReport,
  typings: `interface IngressReport {
  DataSets: {
    /** Empty when nothing went wrong. */
    Error: string;
    /** Path of the config file within the archive. */
    Name: string;
    Streams: {
      /** Nanoseconds since the epoch: bigint beyond 2^53, as all times of today are. */
      StartNs: number | bigint;
      EndNs: number | bigint;
      ProcessedAtNs: number | bigint;
      Uuid: string;
    }[] | null;
    Success: boolean;
  }[];
  /** Name of the uploaded archive. */
  File: string;
  RequestID: string;
  SubmittedAt: string;
  [further: string]: unknown;
}
type Payload = IngressReport;
`,
  sample: `{
    "DataSets": [
      {
        "Error": "",
        "Name": "/DFR 1/feeder-12.cfg",
        "Streams": [
          {
            "StartNs": 1591844350000000000,
            "EndNs": 1591844539983333333,
            "ProcessedAtNs": 0,
            "Uuid": "585cc764-3c80-5d3f-a7d7-59d48abbab0b"
          }
        ],
        "Success": true
      },
      { "Error": "cfg format error", "Name": "/notes.cfg", "Streams": null, "Success": false }
    ],
    "File": "feeder_12.zip",
    "RequestID": "0bbcacdb-e7aa-4e01-af88-9ba865ea32bd",
    "SubmittedAt": "2020-10-29T21:58:15.09246084Z"
  }`,
});
