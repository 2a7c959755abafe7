import type { CallSession } from "@callstream/core/model/CallSession"
import { SinkConformance } from "@callstream/core/testing"
import { describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Postgres from "../postgres/PostgresServer.ts"
import * as Stores from "./Stores.ts"

/** A row that JSON cannot say. */
const refused = {
  id: "session-refused",
  callerNumber: "+15550001",
  startedAt: "2026-07-30T21:30:00Z",
  metadata: { odd: 1n }
} satisfies CallSession

const options = {
  delivery: "transactional",
  upserts: true,
  holds: Stores.holds,
  refused,
  large: 2000,
  shown: ({ shown }: Stores.Store) => shown,
  fail: ({ faults }: Stores.Store, times: number) => Effect.sync(() => faults.fail({ times, kind: "lost" })),
  slow: ({ faults }: Stores.Store) =>
    Effect.sync(() => faults.before(Effect.andThen(Effect.yieldNow, Effect.andThen(Effect.yieldNow, Effect.yieldNow))))
} as const

describe("SqlSink conforms: SQLite", () => {
  for (const { name, notApplicable, test } of SinkConformance.cases({ ...options, store: Stores.sqlite })) {
    it.live.skipIf(notApplicable !== undefined)(name, () => test)
  }
})

describe.skipIf(Postgres.missing)(`SqlSink conforms: PostgreSQL${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    for (const { name, notApplicable, test } of SinkConformance.cases({ ...options, store: Stores.postgres })) {
      it.effect.skipIf(notApplicable !== undefined)(name, () => test)
    }
  })
})
