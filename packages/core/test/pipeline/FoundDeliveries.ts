/** Histories of deliveries that torture found wrong once, by what was wrong in them. */
import type * as Deliveries from "./SyncDeliveries.ts"

export const found: Readonly<Record<string, Deliveries.Case>> = {
  "a call that a table never got is called complete, once its next version was read while the table was down": {
    seed: 500109,
    kills: 0.6,
    failures: 0.4,
    losses: "none",
    sinks: ["table", "receiver"],
    transform: 2,
    transforms: [0, 1, 2, 3],
    passes: 3
  },
  "the same, with kills, and a transform that leaves calls out": {
    seed: 500155,
    kills: 0.3,
    failures: 0.4,
    losses: "none",
    sinks: ["table", "log"],
    transform: 3,
    transforms: [0, 1, 2, 3],
    passes: 8
  }
}
