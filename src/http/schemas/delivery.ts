/** Mails as they are answered. */
import { z } from 'zod';
import type { Delivery } from '../../core/delivery.ts';
import { attachmentBytes } from '../../core/mail-attachment.ts';
import { InstantText, instantOrNull, instantText, listOf, pageQuery } from './listing.ts';

const State = z.enum(['pending', 'sent', 'failed']);

export const DeliveriesQuery = z.object({
  execution_id: z.string().min(1).optional(),
  state: State.optional(),
  ...pageQuery,
});

const DeliveryView = z
  .object({
    id: z.string(),
    execution_id: z.string().nullable(),
    to: z.string(),
    kind: z.enum(['success', 'failure', 'mail', 'alert']),
    subject: z.string(),
    state: State,
    attempts: z.int(),
    last_error: z.string().nullable(),
    message_id: z.string(),
    created_at: InstantText,
    next_at: InstantText.nullable().meta({ description: 'When it is tried next; null once sent or failed.' }),
    sent_at: InstantText.nullable(),
  })
  .meta({ id: 'Delivery' });

/** With its texts, as GET /deliveries/{id} answers it. */
export const DeliveryDetail = DeliveryView.extend({
  text: z.string(),
  html: z.string().nullable(),
  attachments: z.array(z.object({ filename: z.string(), content_type: z.string(), bytes: z.int() })),
}).meta({ id: 'DeliveryDetail' });
export const DeliveryList = listOf(DeliveryView).meta({ id: 'DeliveryList' });

export function presentDelivery(delivery: Delivery): object {
  return {
    id: delivery.id,
    execution_id: delivery.executionId,
    to: delivery.to,
    kind: delivery.kind,
    subject: delivery.subject,
    state: delivery.state,
    attempts: delivery.attempts,
    last_error: delivery.lastError,
    message_id: delivery.messageId,
    created_at: instantText(delivery.createdAt),
    next_at: instantOrNull(delivery.nextAt),
    sent_at: instantOrNull(delivery.sentAt),
  };
}

export function presentDeliveryDetail(delivery: Delivery): object {
  const { text, html, attachments = [] } = delivery;
  return {
    ...presentDelivery(delivery),
    text,
    html,
    attachments: attachments.map((file) => ({ filename: file.filename, content_type: file.contentType, bytes: attachmentBytes(file) })),
  };
}
