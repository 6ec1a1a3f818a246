import type { EventType } from "./events.ts";

/** Which events the journal keeps as they are told. What is accepted, offered and acknowledged the driver keeps, with the step that does it. */
const KEPT: Readonly<Record<EventType, boolean>> = {
  "message.accepted": false,
  "message.offered": false,
  "message.acknowledged": false,
  "message.unrouted": true,
  "message.duplicate": true,
  "message.late": true,
  "message.skipped": true,
  "message.retried": true,
  "message.dead-lettered": true,
  "message.progress": true,
  "message.expired": true,
  "message.dropped": true,
  "message.superseded": true,
  "message.withdrawn": true,
  "agent.joined": true,
  "agent.left": true,
  "agent.status": true,
  "channel.subscribed": true,
  "channel.unsubscribed": true,
  "channel.closed": true,
  "driver.opened": true,
  "driver.closed": true,
  "driver.lost": true,
  "driver.restored": true,
  "driver.fault": true,
  "driver.quarantined": true,
  "driver.repaired": true,
};

/** The events that the journal listens to. */
export const KEPT_EVENTS = (Object.keys(KEPT) as EventType[]).filter((type) => KEPT[type]);
