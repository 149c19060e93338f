import { z } from 'zod';
import type { Delivery } from '../../core/delivery.ts';
import { EngineError } from '../../core/errors.ts';
import type { HttpDeps } from '../deps.ts';
import { type Reply, type Route, route } from '../route.ts';
import { DeliveriesQuery, DeliveryDetail, DeliveryList, presentDelivery, presentDeliveryDetail } from '../schemas/delivery.ts';
import { listText, pageRequest } from '../schemas/listing.ts';

const Params = z.object({ id: z.string().meta({ description: 'Id of the delivery, percent-encoded.' }) });

/** Reading mails on their way, and sending them again. */
export function deliveriesRoutes({ deliveries, resend }: Pick<HttpDeps, 'deliveries' | 'resend'>): Route[] {
  async function existing(id: string): Promise<Delivery> {
    return (await deliveries.get(id)) ?? noDelivery(id);
  }
  const reply = (delivery: Delivery): Reply => ({ status: 200, json: presentDeliveryDetail(delivery) });

  return [
    route({
      method: 'get',
      path: '/deliveries',
      summary: 'List mails, newest first',
      area: 'deliveries',
      scope: 'handlers:read',
      query: DeliveriesQuery,
      replies: { 200: { description: 'Without their texts.', schema: DeliveryList } },
      errors: ['cursor_invalid'],
      async handle({ query }) {
        const { execution_id, state } = query;
        const filter = { ...(execution_id !== undefined && { executionId: execution_id }), ...(state !== undefined && { state }) };
        return { status: 200, text: listText(await deliveries.list(filter, pageRequest(query)), presentDelivery) };
      },
    }),
    route({
      method: 'get',
      path: '/deliveries/:id',
      summary: 'Read a mail with its texts',
      area: 'deliveries',
      scope: 'handlers:read',
      params: Params,
      replies: { 200: { description: 'The mail.', schema: DeliveryDetail } },
      errors: ['delivery_not_found'],
      async handle({ params }) {
        return reply(await existing(params.id));
      },
    }),
    route({
      method: 'post',
      path: '/deliveries/:id/resend',
      summary: 'Send a mail again that was sent or has failed',
      area: 'deliveries',
      scope: 'executions:write',
      params: Params,
      replies: { 200: { description: 'The mail, waiting to be sent.', schema: DeliveryDetail } },
      errors: ['delivery_not_found', 'delivery_not_resendable'],
      async handle({ params }) {
        const result = await resend(params.id);
        if (result === 'absent') noDelivery(params.id);
        if (result === 'pending') throw new EngineError('delivery_not_resendable', `Delivery ${params.id} is still waiting to be sent`);
        return reply(await existing(params.id));
      },
    }),
  ];
}

function noDelivery(id: string): never {
  throw new EngineError('delivery_not_found', `No delivery ${id}`);
}
