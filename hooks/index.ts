/** The hooks of this installation, in the order in which GET /hooks lists them. */
import type { Hook } from '../src/core/hook.ts';
import { ctingressOnComplete } from './ctingress.on_complete.ts';
import { eventOnAlert } from './event.on_alert.ts';
import { eventOnIngest } from './event.on_ingest.ts';
import { executionOnFailure } from './execution.on_failure.ts';
import { scheduleCron } from './schedule.cron.ts';

export const HOOKS: readonly Hook[] = [eventOnIngest, eventOnAlert, scheduleCron, executionOnFailure, ctingressOnComplete];
