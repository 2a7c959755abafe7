import * as Instant from "../../src/model/Instant.ts"
import * as Version from "../../src/model/Version.ts"
import * as Ahead from "../../src/model/internal/Ahead.ts"
import * as Json from "../../src/model/internal/Json.ts"
import * as Packed from "../../src/model/internal/Packed.ts"
import type { Item } from "../../src/model/Item.ts"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as ExactNumber from "@callstream/core/model/ExactNumber"
import * as Rows from "@callstream/core/model/Rows"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { sessions } from "./Records.ts"

type Chain = Transform.Pure<CallSession, object>

/** Items as they come from a thread that applied the transform, by a transform that has the same function or none. */
const threaded = (
  given: ReadonlyArray<CallSession>,
  applied: Chain["apply"],
  by: Chain["apply"] | undefined
): ReadonlyArray<Item<CallSession>> =>
  Packed.unpack(
    { ...Packed.beside(new Uint8Array(), given, true), made: Ahead.make(applied, given) },
    () => Version.of(7),
    () => given,
    by
  )

const decoder = new TextDecoder()

/** A line of a file, its row, and what must not get lost. */
const told = ({ created, id, json, row, start, version }: Item<object>, repairs: Json.Repairs) => ({
  id,
  start,
  created: start === undefined ? created : undefined,
  version,
  line: json === undefined ? Json.stringify(row, repairs) : decoder.decode(json.bytes.subarray(json.begin, json.end)),
  row
})

const through = Effect.fnUntraced(function* (chain: Chain, items: ReadonlyArray<Item<CallSession>>) {
  const rejected: Array<readonly [string, unknown]> = []
  const repairs: Json.Repairs = { texts: 0 }
  const { items: rows, passed } = yield* Transform.toItems(chain)(items, ({ id }, cause) => rejected.push([id, cause]))
  return {
    rows: rows.map((item) => told(item, repairs)),
    passed: passed.map(({ id }) => id),
    rejected,
    repairs,
    held: rows.filter(({ json }) => json !== undefined).length
  }
})

const some = Transform.where(Transform.sessions, "some", ({ id }) => id.charCodeAt(id.length - 1) % 3 > 0)

const chains: ReadonlyArray<Chain> = [
  Transform.where(Transform.sessions, "even", ({ durationSec }) => Number(durationSec) % 2 === 0),
  Transform.redact(Transform.sessions, { phone: "mask", email: "drop", name: "mask", freeText: "mask" }),
  Transform.select(Transform.redact(Transform.derive(some, ["cost", "startedDate", "analysis"]), { email: "mask" }), [
    "cost",
    "analysis",
    "metadata",
    "summary"
  ]),
  Transform.flatten(Transform.sessions),
  Transform.where(Transform.sessions, "none", () => false)
]

describe("Ahead", () => {
  const seed = Number(process.env["SEED"] ?? 1)
  it.effect(`brings the rows, lines and counts that the transform itself brings (seed ${seed})`, () =>
    Effect.gen(function* () {
      const read = yield* sessions(seed, 200)
      const given = read.map((session, i): CallSession => {
        const summary = ["half \ud83d", "\u2028 and \u2029", `${session.summary}`][i % 9]
        return { ...session, ...(summary === undefined ? {} : { summary }) }
      })
      for (const chain of chains) {
        const plain = yield* through(
          chain,
          Rows.items(Rows.ofSessions(given, Instant.of(5), Version.of(7))).map(({ created, id, row, start }) => ({
            id,
            start,
            created,
            version: Version.of(7),
            row
          }))
        )
        const ahead = yield* through(chain, threaded(given, chain.apply, chain.apply))
        assert.deepStrictEqual(
          { ...ahead, held: 0, rows: ahead.rows.map(({ created: _, ...row }) => row) },
          { ...plain, rows: plain.rows.map(({ created: _, ...row }) => row) },
          chain.label
        )
        // Those without half of a pair: hostile texts have many.
        if (plain.rows.length > 0) assert.isAbove(ahead.held, 0.4 * plain.rows.length)
        // Another transform's rows are nobody else's.
        const other = yield* through(
          chain,
          threaded(given, () => undefined, undefined)
        )
        assert.deepStrictEqual(other.passed, plain.passed)
        assert.strictEqual(other.held, 0)
      }
    })
  )

  it.effect("leaves to the transform what is not plain", () =>
    Effect.gen(function* () {
      const exact = ExactNumber.fromText("4876876000000420001")
      const given = ["throws", "bigint", "date", "exact", "out"].map((id): CallSession => ({ id }))
      const failure = new Transform.TransformError("no")
      const chain: Chain = Transform.make({
        label: "odd",
        columns: (columns) => columns,
        apply: ({ id }): object | undefined => {
          if (id === "throws") throw failure
          if (id === "date") return new Date(0)
          return id === "out" ? undefined : id === "bigint" ? { id, n: 1n } : { id, n: exact }
        }
      })
      const items = threaded(given, chain.apply, chain.apply)
      const rejected: Array<unknown> = []
      const { items: rows, passed } = yield* Transform.toItems(chain)(items, (_, cause) => rejected.push(cause))
      assert.deepStrictEqual(rejected, [failure])
      assert.deepStrictEqual(
        passed.map(({ id }) => id),
        ["bigint", "date", "exact"]
      )
      assert.deepStrictEqual(
        rows.map(({ json, row }) => [json !== undefined, row]),
        [
          [false, { id: "bigint", n: 1n }],
          [false, new Date(0)],
          [true, { id: "exact", n: exact }]
        ]
      )
      const later: Chain = Transform.make({
        label: "later",
        columns: (columns) => columns,
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what types forbid
        apply: (session) => Promise.resolve(session) as unknown as CallSession
      })
      const exit = yield* Effect.exit(through(later, threaded(given, later.apply, later.apply)))
      assert.include(String(Exit.isFailure(exit) && Cause.squash(exit.cause)), "gave a Promise")
    })
  )
})
