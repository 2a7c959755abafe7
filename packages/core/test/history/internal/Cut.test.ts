import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Cut from "../../../src/history/internal/Cut.ts"
import type { Seen } from "../../../src/endpoint/internal/Probes.ts"
import type { Traits } from "../../torture/Adversary.ts"
import * as FakeServer from "./FakeServer.ts"

const { began, control, hour, open, rowsAt, second, settingsOf } = FakeServer

const between = (minimum: number, maximum: number) =>
  Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum, maximum })))

const sum = (sizes: ReadonlyArray<number>) => sizes.reduce((all, size) => all + size, 0)

interface Answers {
  readonly beyond?: Traits["beyond"]
  /** Whether each takes a second. */
  readonly late?: boolean
  /** Whether the server is known to repeat a page beyond the end. */
  readonly repeats?: boolean
}

/** A list of so many calls, one in ten seconds, of which the probes saw another number. */
const cut = Effect.fnUntraced(function* (
  calls: number,
  about: number,
  options: Cut.Options,
  { beyond = "empty", late = false, repeats = false }: Answers = {}
) {
  const from = began - 10 * calls * second - hour
  const starts = Array.from({ length: calls }, (_, nth) => from + 10 * nth * second)
  const server = open(rowsAt(starts), { beyond })
  const [first = from, last = began] = [starts[0], starts.at(-1)]
  const answered = <A, E>(answer: Effect.Effect<A, E>) => (late ? Effect.delay(answer, "1 second") : answer)
  const settings = settingsOf(server, {
    list: (query) => answered(server.client.list(query)),
    repeats: answered(Effect.succeed(repeats))
  })
  const seen = {
    about,
    rate: Infinity,
    controls: [control("first", first), control("last", last)],
    sorted: true,
    profile: { newestFirst: true }
  } as unknown as Seen
  const before = yield* Clock.currentTimeMillis
  const cutting = yield* Effect.forkChild(Cut.cut(settings, seen, { from: first, to: began }, true, options))
  while (cutting.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
  const stretches = yield* Fiber.join(cutting)
  return {
    stretches,
    counts: stretches.map(({ from, to }) => starts.filter((start) => start >= from && start < to).length),
    requests: server.requests(),
    seconds: ((yield* Clock.currentTimeMillis) - before) / 1000
  }
})

describe("history/internal/Cut", () => {
  it.effect.prop(
    "sizes come to all calls, for each reader at least one; descending ones shrink evenly at the end, so that the readers end together",
    { calls: between(1000, 10_000_000), readers: between(2, 64), isDescending: Schema.Boolean },
    ({ calls, isDescending, readers }) =>
      Effect.sync(() => {
        const options = { sideBySide: readers, most: 2000, descending: isDescending }
        const sizes = Cut.sizesOf(calls, 1, options)
        assert.closeTo(sum(sizes), calls, 1)
        assert.isAtLeast(sizes.length, readers)
        assert.isAtMost(sizes.length, 2000 + readers)
        sizes.slice(1).forEach((size, i) => assert.isAtMost(size, (sizes[i] ?? 0) + 1e-6))
        const largest = calls / sizes.length
        const tail = isDescending ? Math.max(Cut.perStretch, calls / 1000) / 3 : largest
        assert.isAtMost(sizes.at(-1) ?? 0, tail + 1e-6)
        if (!isDescending) return
        // Who ends first gets the next one.
        const ends = Array.from({ length: readers }, () => 0)
        for (const size of sizes) {
          const first = ends.indexOf(Math.min(...ends))
          ends[first] = (ends[first] ?? 0) + size
        }
        assert.isAtMost(Math.max(...ends), (1.001 * calls) / readers)
      })
  )

  it.effect.prop(
    "pages show how many calls there are, however far off the probes were",
    { calls: between(1000, 4000), off: between(-3, 3) },
    ({ calls, off }) =>
      Effect.gen(function* () {
        const { counts, requests, stretches } = yield* cut(calls, calls * 2 ** off, { sideBySide: 8 })
        assert.strictEqual(sum(counts), calls)
        assert.strictEqual(stretches.length, 8)
        // Off by four pages of ten or a tenth of it, all of it in the oldest one.
        assert.isAtMost(Math.max(...counts), 1.1 * (calls / 8) + 40)
        assert.isAtMost(requests, 7 + 28)
      })
  )

  it.effect.prop(
    "the oldest of stretches that shrink is off by an eighth: its reader reads fewer of the others",
    { calls: between(8000, 16_000), off: between(-3, 3) },
    ({ calls, off }) =>
      Effect.gen(function* () {
        const options = { sideBySide: 4, size: 1000, descending: true }
        const { counts, stretches } = yield* cut(calls, calls * 2 ** off, options)
        assert.strictEqual(sum(counts), calls)
        const sizes = Cut.sizesOf(calls, 10, options)
        assert.approximately(stretches.length, sizes.length, 4)
        const [oldest = 0] = counts
        assert.approximately(oldest, sizes[0] ?? 0, 0.125 * 1.2 * (sizes[0] ?? 0) + 20)
      })
  )

  it.effect(
    "a count that the probes saw well takes two turns, beside the page beyond the end, and the edges one more",
    () =>
      Effect.gen(function* () {
        for (const off of [0.85, 0.98, 1.1]) {
          const options = { sideBySide: 12, size: 1000, descending: true }
          const { counts, requests, seconds } = yield* cut(15_000, 15_000 * off, options, { late: true })
          assert.strictEqual(sum(counts), 15_000)
          assert.strictEqual(seconds, 3)
          assert.isAtMost(requests, counts.length - 1 + 7 + 8)
        }
      })
  )

  for (const beyond of ["first", "last"] as const) {
    it.effect(`a page beyond the end that brings the ${beyond} one again is not taken for more calls`, () =>
      Effect.gen(function* () {
        for (const about of [600, 1000, 1500, 6000]) {
          const { counts, requests } = yield* cut(1000, about, { sideBySide: 4 }, { beyond })
          assert.strictEqual(sum(counts), 1000)
          assert.isAtMost(requests, 30)
        }
      })
    )
  }

  it.effect.prop(
    "no rate that a burst made up cuts a range into more stretches than four times its calls fill, where pages beyond the end come again",
    { calls: between(100, 3000), off: between(0, 12), beyond: Schema.Literals(["first", "last"]) },
    ({ beyond, calls, off }) =>
      Effect.gen(function* () {
        const options = { sideBySide: 3, size: 40, most: 2000, descending: true }
        const { counts, requests, stretches } = yield* cut(calls, calls * 4 ** off, options, { beyond, repeats: true })
        assert.strictEqual(sum(counts), calls)
        assert.isAtMost(stretches.length, Cut.sizesOf(4 * calls, 10, options).length)
        assert.isAtMost(requests, 40)
      })
  )
})
