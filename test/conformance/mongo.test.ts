import { openTestMongoStore } from '../support/mongo-store.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';
import { mongoPlace } from '../support/places.ts';
import { alertStoreConformance } from './alert-store.suite.ts';
import { deliveryStoreConformance } from './delivery-store.suite.ts';
import { eventStoreConformance } from './event-store.suite.ts';
import { handlerStoreConformance } from './handler-store.suite.ts';
import { keyStoreConformance } from './key-store.suite.ts';
import { movableStoreConformance } from './movable-store.suite.ts';
import { queueConformance } from './queue.suite.ts';
import { reportStoreConformance } from './report-store.suite.ts';
import { retentionStoreConformance } from './retention-store.suite.ts';
import { scheduleStoreConformance } from './schedule-store.suite.ts';

const mongod = mongodOfFile();

const open = () => openTestMongoStore({ url: mongod.url });

eventStoreConformance('mongo', { open });
queueConformance('mongo', { open });
handlerStoreConformance('mongo', { open });
keyStoreConformance('mongo', { open });
deliveryStoreConformance('mongo', { open });
scheduleStoreConformance('mongo', { open });
alertStoreConformance('mongo', { open });
movableStoreConformance('mongo', async () => mongoPlace(mongod.url));
reportStoreConformance('mongo', { open });
retentionStoreConformance('mongo', { open });
