import { checkForLeaks } from '../support/leaks.ts';
import { sqlitePlace } from '../support/places.ts';
import { openTestStore } from '../support/store.ts';
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

checkForLeaks();

const open = () => openTestStore();

eventStoreConformance('sqlite', { open });
queueConformance('sqlite', { open });
handlerStoreConformance('sqlite', { open });
keyStoreConformance('sqlite', { open });
deliveryStoreConformance('sqlite', { open });
scheduleStoreConformance('sqlite', { open });
alertStoreConformance('sqlite', { open });
movableStoreConformance('sqlite', async () => sqlitePlace());
reportStoreConformance('sqlite', { open });
retentionStoreConformance('sqlite', { open });
