import type { Attachment } from './mail-attachment.ts';

export type DeliveryKind = 'success' | 'failure' | 'mail' | 'alert';
export type DeliveryState = 'pending' | 'sent' | 'failed';

/** Headers of an alert (M38). */
export interface AlertHeaders {
  Importance: string;
  'X-Priority': string;
  'X-MADSci-Event-ID': string;
}

/** One mail on its way: written in the same commit as the outcome it reports. Times are milliseconds since the epoch. */
export interface NewDelivery {
  /** Stable per execution, kind and place, so that a repeated commit is a no-op. */
  id: string;
  executionId: string | null;
  kind: DeliveryKind;
  to: string;
  subject: string;
  text: string;
  html: string | null;
  /** Absent when there are none. */
  attachments?: readonly Attachment[];
  /** What an alert has besides, as MADSci names it; absent for every other kind. */
  headers?: AlertHeaders;
  /** Without angle brackets; the same for every attempt (RFC 5322 3.6.4). */
  messageId: string;
  createdAt: number;
}
export interface Delivery extends NewDelivery {
  state: DeliveryState;
  attempts: number;
  /** When the next attempt is due; null once sent or failed. */
  nextAt: number | null;
  lastError: string | null;
  sentAt: number | null;
}
