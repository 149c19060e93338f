import { z } from 'zod';

/** A text that can stand in one line of a list, a log or a mail's subject: no control characters, line separators or half characters. */
export function printable(maxLength: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'Takes no control characters');
}
