/** What an event may hold, and how strictly it is read. */
export interface EventLimits {
  maxIdLength: number;
  maxDepth: number;
  maxTags: number;
  maxTagLength: number;
  /** Takes event types beyond MADSci's 63 (M28). */
  allowCustomTypes: boolean;
  /** Takes ids in `source` that are no ULIDs (detail 14). */
  allowAnySourceIds: boolean;
}

export const DEFAULT_EVENT_LIMITS: EventLimits = {
  maxIdLength: 8192,
  maxDepth: 200,
  maxTags: 64,
  maxTagLength: 200,
  allowCustomTypes: false,
  allowAnySourceIds: false,
};
