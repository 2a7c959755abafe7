/** A range that is read although some of its records fail, on a small server. */
import type { Window } from "@callstream/core/history/Coverage"
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import * as CallRows from "@callstream/core/model/Rows"
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { ListOptions } from "../../../src/client/AgniClient.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import * as Bisect from "../../../src/history/internal/Bisect.ts"
import type { Evidence, Known } from "../../../src/history/internal/Known.ts"
import type { Settings } from "../../../src/history/internal/Settings.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, known, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

export const minute = 60 * second
export const first = began - 100 * day

/** A hundred calls, a minute apart. */
export const calls = rowsAt(Array.from({ length: 100 }, (_, i) => first + i * minute))
export const startOf = (i: number): number => first + i * minute
const controls = [0, 50, 99].map((i) => control(`row-${i}`, startOf(i)))

export const failure = new AgniError({
  reason: new Unavailable({ outage: { _tag: "Status", status: 500, quote: "cannot render" } }),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero,
  alone: true
})

interface Given {
  readonly rows?: ReadonlyArray<Adversary.Row>
  readonly traits?: Partial<Adversary.Traits>
  readonly facts?: Partial<Known>
  readonly settings?: Partial<Settings>
  readonly vain?: number
  readonly keepGoing?: boolean
  /** What comes of a request in place of an answer. @default nothing */
  readonly fails?: (options: ListOptions, number: number) => AgniError | undefined
  /** Whether a request is answered as if it had no bounds. @default none is */
  readonly ignores?: (number: number) => boolean
  /** Each page with one of these fails. */
  readonly failing?: ReadonlyArray<string>
  readonly handOver?: (part: Bisect.Task) => boolean
}

export const read = Effect.fnUntraced(function* (
  task: Bisect.Task,
  {
    facts = {},
    failing = [],
    fails = () => undefined,
    handOver = () => false,
    ignores = () => false,
    keepGoing = false,
    rows = calls,
    settings = {},
    traits = {},
    vain = 0
  }: Given = {}
) {
  yield* TestClock.setTime(began / 1000)
  const server = open(rows, { includes: { after: true, before: true }, ...traits })
  const list = Patience.make((query, options = {}) =>
    Effect.suspend(() => {
      const number = server.requests()
      const error = fails(options, number)
      const { startedAfter, startedBefore, ...rest } = query
      const answer = server.client.list(ignores(number) ? rest : { ...rest, startedAfter, startedBefore }, options)
      if (error !== undefined) return Effect.andThen(Effect.exit(answer), Effect.fail(error))
      return Effect.filterOrFail(
        answer,
        ({ rows }) => !rows.sessions().some(({ id }) => failing.includes(id)),
        () => failure
      )
    })
  )
  const failures: Bisect.Failures = { vain }
  const evidence: Array<Evidence> = []
  const given: Array<Bisect.Task> = []
  const work = yield* Bisect.read(
    settingsOf(server, { list, controls, perWindow: 1000, ...settings }),
    () => known({ width: 40 * day, ...facts }),
    task,
    {
      failures,
      keepGoing,
      came: () => Effect.void,
      handOver: (part) =>
        Effect.sync(() => {
          given.push(part)
          return handOver(part)
        }),
      tell: (one) => evidence.push(one)
    }
  ).pipe(
    Effect.match({
      onSuccess: (work) => ({ ...work, error: undefined }),
      onFailure: (error) => ({ _tag: "Failed" as const, error })
    })
  )
  return {
    tag: work._tag,
    error: work.error,
    parts: work._tag === "Split" ? work.parts : [],
    windows: work._tag === "Done" ? work.outputs : [],
    vain: failures.vain,
    requests: server.requests(),
    evidence,
    given
  }
})

export const all = { from: first - minute, to: startOf(100), expected: 100 }
export const idsOf = (windows: ReadonlyArray<Window>) =>
  windows.flatMap(({ rows }) => CallRows.items(rows).map(({ id }) => id)).sort()
export const namesOf = (rows: ReadonlyArray<Adversary.Row>) => rows.map(({ id }) => id).sort()

/** Parts that follow one another from the beginning of a task to its end. */
export const assertTile = ({ expected, from, to }: Bisect.Task, parts: ReadonlyArray<Bisect.Task>) => {
  assert.deepStrictEqual(
    parts.map((part) => part.from),
    [from, ...parts.map((part) => part.to)].slice(0, -1)
  )
  assert.strictEqual(parts.at(-1)?.to, to)
  for (const part of parts) assert.isBelow(part.from, part.to)
  const sum = parts.reduce((sum, part) => sum + part.expected, 0)
  assert.approximately(sum, expected, 1e-6)
}
