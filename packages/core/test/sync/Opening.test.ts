import { AgniClient } from "@callstream/core/client/AgniClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Probes from "../../src/endpoint/internal/Probes.ts"
import * as Opening from "../../src/sync/internal/Opening.ts"
import { began, day, hour, open, rowsAt } from "../history/internal/FakeServer.ts"
import { entryOf } from "./LedgerLaws.ts"
import { random } from "./SyncRandom.ts"

describe("Opening", () => {
  it.effect("a page where the ledger knows the endpoint; the calls before it were not listed", () =>
    Effect.gen(function* () {
      const starts = Array.from({ length: 25 }, (_, i) => began - (i < 3 ? 3 + i : 30 + 2 * i) * hour)
      const { client } = open(rowsAt(starts), { cap: 100 })
      yield* Effect.gen(function* () {
        const { profile } = yield* Probes.probe({ deep: false })
        const entries = starts
          .map((start, i) => ({ ...entryOf(random(1), `row-${i}`, 1), start, gone: undefined }))
          .sort((left, right) => left.start - right.start)
        const lease = {
          between: ({ from, to }: { readonly from: number; readonly to: number }) =>
            Effect.succeed(entries.filter(({ start }) => start >= from && start < to))
        }
        const about = { lease, filters: {}, pageSize: undefined, from: began - 9 * day, watermark: began - 2 * hour }
        const seen = yield* Opening.see({ ...about, profile })
        assert.strictEqual(seen.log.requests, 1)
        assert.strictEqual(seen.log.shown.size, 3)
        // So as many in another range are no sign of a limit, for which that range would be cut into parts of two calls.
        assert.isUndefined(Probes.listed(seen))
      }).pipe(Effect.provideService(AgniClient, AgniClient.of(client)))
    })
  )
})
