import type { Change, Kind } from "@callstream/core/model/Change"
import * as ChangeLog from "@callstream/core/sink/ChangeLog"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Version from "@callstream/core/model/Version"
import * as WebhookSink from "@callstream/core/sink/WebhookSink"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Disk from "./webhook/Disk.ts"
import * as Receiver from "./webhook/Receiver.ts"
import * as PromptCrypto from "./webhook/PromptCrypto.ts"
import { options, run } from "./webhook/run.ts"

const sequence = Version.of(1_785_482_170_117_605)

const itemOf = <A>(kind: Kind, id: string, row: A, change: Partial<Change> = {}): SessionSink.Item<A> => ({
  id,
  start: undefined,
  version: change.sequence ?? sequence,
  change: { kind, id, facets: ["cost"], milestones: ["cost"], sequence, previous: null, ...change },
  row
})

const batchOf = <A>(...items: ReadonlyArray<SessionSink.Item<A>>): SessionSink.Batch<A> => ({
  items,
  columns: [],
  observedAt: sequence
})

const written: ReadonlyArray<SessionSink.Batch<unknown>> = [
  batchOf(
    itemOf("created", "a", { id: "a", costTotal: "0.31" }),
    itemOf("updated", "b", { id: "b" }, { facets: [], milestones: [], previous: Version.of(sequence - 5) })
  ),
  batchOf(itemOf("updated", "a", { id: "a", costTotal: "0.32" }, { sequence: Version.of(sequence + 7) }))
]
const gone = batchOf(
  itemOf("left", "a", null, { sequence: Version.of(sequence + 9) }),
  itemOf("removed", "b", null, { facets: [], milestones: [], sequence: Version.of(sequence + 9) })
)

/** What comes out of a log of changes. */
const logged = (organization: string) =>
  Effect.gen(function* () {
    const rows: Array<unknown> = []
    const inner = SessionSink.make<unknown>({
      name: "lines",
      delivery: "append",
      write: ({ items }) => Effect.sync(() => void rows.push(...items.map(({ row }) => row)))
    })
    const log = ChangeLog.make(inner, { organization })
    assert.deepStrictEqual([log.name, log.delivery, log.keeps], ["lines", "append", "changes"])
    const writer = yield* Effect.scoped(log.open(SessionSink.opening()))
    for (const batch of written) yield* writer.write(batch)
    yield* writer.remove?.(gone) ?? Effect.void
    const refused = yield* writer.write(batchOf({ id: "c", start: undefined, row: { id: "c" } }))
    assert.deepStrictEqual(refused, [{ id: "c", reason: "it is no change of a sync" }])
    return rows
  })

describe("ChangeLog", () => {
  it.effect("writes each change as one event", () =>
    Effect.gen(function* () {
      const [first, ...rest] = yield* logged("acme")
      assert.deepInclude(first, {
        type: "call_session.created",
        timestamp: "2026-07-31T07:16:10.117605Z",
        sequence,
        previousSequence: null,
        organization: "acme",
        sessionId: "a",
        changed: ["cost"],
        milestones: ["cost"],
        data: { id: "a", costTotal: "0.31" }
      })
      assert.strictEqual(rest.length, 4)
    })
  )

  it.effect("is what a webhook sends of the same changes, ids included", () =>
    Effect.gen(function* () {
      const world = { receiver: Receiver.make(), disk: Disk.make() }
      yield* run(world, (writer) =>
        Effect.gen(function* () {
          for (const batch of written) yield* writer.write(batch)
          yield* writer.remove?.(gone) ?? Effect.void
        })
      )
      assert.deepStrictEqual(world.receiver.events(), yield* logged("acme"))
    })
  )

  it.effect("reaching leaves out versions without one of the milestones, and nothing that is gone", () =>
    Effect.gen(function* () {
      const world = { receiver: Receiver.make(), disk: Disk.make() }
      const sink = ChangeLog.reaching(WebhookSink.make(options), ["final", "cost"])
      yield* Effect.gen(function* () {
        const writer = yield* sink.open(SessionSink.opening())
        for (const batch of written) yield* writer.write(batch)
        yield* writer.remove?.(gone) ?? Effect.void
      }).pipe(Effect.scoped, Effect.provide([world.receiver.layer, world.disk.layer, PromptCrypto.layer]))
      const sent = world.receiver.events().map(({ sessionId, type }) => `${sessionId} ${type.split(".")[1]}`)
      assert.deepStrictEqual(sent, ["a created", "a updated", "a left", "b removed"])
    })
  )

  it.effect("ids are of organization, call and sequence, whatever the content", () =>
    Effect.gen(function* () {
      const idsOf = (rows: ReadonlyArray<unknown>) =>
        rows.flatMap((row) => (typeof row === "object" && row !== null && "id" in row ? [row.id] : []))
      const ids = idsOf(yield* logged("acme"))
      assert.strictEqual(new Set(ids).size, 5)
      assert.deepStrictEqual(idsOf(yield* logged("acme")), ids)
      assert.isTrue(idsOf(yield* logged("other")).every((id) => !ids.includes(id)))
    })
  )
})
