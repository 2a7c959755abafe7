/**
 * `node packages/core/bench/sync/main.ts [part]`: what a sync costs, in virtual time over organizations that live, beside reading
 * the last 24 and 72 hours again each time, as a table. A part is a prefix of the name of one: 2k, 20k hourly, 20k minute, storms,
 * other, rare. The last one takes ten minutes of processor time; `--first N --seeds N` plays some of its twenty organizations.
 */
import * as Effect from "effect/Effect"
import { parseArgs } from "node:util"
import * as Measure from "./MeasuredSync.ts"
import * as Organization from "./Organization.ts"
import * as OtherServer from "./OtherServer.ts"
import * as World from "./World.ts"

const { hour, minute, second } = World

const { positionals, values } = parseArgs({
  options: { first: { type: "string", default: "1" }, seeds: { type: "string", default: "20" } },
  allowPositionals: true
})
const only = positionals[0] ?? ""

interface Row {
  readonly part: string
  readonly what: string
  readonly sync: string
  readonly bar?: string
  readonly lookBacks?: ReadonlyArray<string>
}
const rows: Array<Row> = []
const report = (row: Row) => {
  rows.push(row)
  console.log(`${row.part}: ${row.what}: ${row.sync}${row.bar === undefined ? "" : ` (bar: ${row.bar})`}`)
}

const number = (value: number) => value.toLocaleString("en")
const perTenThousand = ({ of, stale }: Pick<Measure.Measured, "stale" | "of">) => ((10_000 * stale) / of).toFixed(1)

interface Bars {
  readonly requests?: number
  readonly quiet?: number
  readonly half?: number
  readonly most?: number
  /** @default 100 */
  readonly pageSize?: number
}

const measure = async (part: string, world: World.World, one: Measure.Case) => {
  const before = process.cpuUsage()
  const measured = await Effect.runPromise(Measure.run(world, one))
  const { system, user } = process.cpuUsage(before)
  console.log(
    `${part}: ${JSON.stringify(measured.byWhy)}, ${measured.late} late by a day; ${Math.round((user + system) / 1e6)} s of processor time, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MB`
  )
  return measured
}

const atMost = (bar: number | string | undefined) => (bar === undefined ? {} : { bar: `≤ ${bar}` })

const bench = async (part: string, world: () => World.World, one: Measure.Case, bars: Bars = {}) => {
  if (!part.startsWith(only)) return
  const made = world()
  const measured = await measure(part, made, one)
  const naive = [24, 72].map((hours) => Measure.lookBack(made, one, hours * hour, bars.pageSize))
  const lookBacks = (text: (one: (typeof naive)[number]) => string) => ({ lookBacks: naive.map(text) })
  report({
    part,
    what: "requests a day",
    sync: number(measured.requestsADay),
    ...(bars.requests === undefined ? {} : atMost(number(bars.requests))),
    ...lookBacks(({ requestsADay }) => number(requestsADay))
  })
  report({ part, what: "requests of a quiet pass, at most", sync: String(measured.quiet), ...atMost(bars.quiet) })
  if (bars.half !== undefined && bars.most !== undefined) {
    const half = `${Math.round(measured.half / second)} s`
    report({ part, what: "half of the changes are there within", sync: half, ...atMost(`${bars.half / second} s`) })
    const most = `${(measured.most / minute).toFixed(1)} min`
    report({ part, what: "99 % within", sync: most, ...atMost(`${bars.most / minute} min`) })
  }
  report({
    part,
    what: `final versions a day old that are not there, of 10,000 (${number(measured.of)} calls)`,
    sync: perTenThousand(measured),
    ...atMost(3),
    ...lookBacks(perTenThousand)
  })
  report({
    part,
    what: `calls missed, of ${number(made.lives.length)}`,
    sync:
      measured.missedUndated === 0
        ? String(measured.missed)
        : `${number(measured.missed)}, ${number(measured.missedUndated)} of them without a start`,
    ...lookBacks(({ missed }) => number(missed))
  })
  const wrong = measured.missedBehind + measured.removedWrongly
  report({
    part,
    what: "missed behind the watermark without a hole, or removed wrongly",
    sync: String(wrong),
    bar: "0"
  })
}

const usual = (options: Organization.Options) => () => Organization.make(options)

await bench(
  "2k hourly",
  usual({ seed: 1, perDay: 2000, days: 11 }),
  { days: 11, every: hour, measured: 3 },
  { requests: 270, quiet: 5 }
)
await bench(
  "20k hourly",
  usual({ seed: 2, perDay: 20_000, days: 10 }),
  { days: 10, every: hour, measured: 2 },
  { requests: 1800, quiet: 5 }
)
await bench(
  "20k minute",
  usual({ seed: 3, perDay: 20_000, days: 9 }),
  { days: 9, every: minute, warm: 8, measured: 1 },
  { requests: 9000, quiet: 5, half: 40 * second, most: 8 * minute }
)
await bench("storms 2k hourly", usual({ seed: 4, perDay: 2000, days: 10, storms: 0.5 }), {
  days: 10,
  every: hour,
  measured: 5
})
await bench(
  "other 2k hourly",
  () => OtherServer.make({ seed: 5, perDay: 2000, days: 10 }),
  { days: 10, every: hour, measured: 3 },
  { pageSize: 50 }
)

if ("rare".startsWith(only)) {
  const [first, seeds] = [Number(values.first), Number(values.seeds)]
  const one: Measure.Case = { days: 10, every: hour, measured: 2 }
  const sums = { calls: 0, missed: 0, missedBehind: 0, removedWrongly: 0, requestsADay: 0, stale: 0, of: 0 }
  for (let seed = first; seed < first + seeds; seed++) {
    const world = Organization.make({ seed: 100 + seed, perDay: 4000, days: 10, rare: 3 })
    const measured = await measure(`rare, seed ${100 + seed}`, world, one)
    sums.calls += world.lives.length
    for (const key of ["missed", "missedBehind", "removedWrongly", "requestsADay", "stale", "of"] as const) {
      sums[key] += measured[key]
    }
  }
  const part = `rare × 3, 4k hourly, ${seeds} seeds`
  const most = Math.floor(sums.calls / 500_000)
  report({ part, what: "requests a day", sync: number(Math.round(sums.requestsADay / seeds)) })
  report({ part, what: `calls missed, of ${number(sums.calls)}`, sync: String(sums.missed), ...atMost(most) })
  report({ part, what: "missed behind the watermark without a hole", sync: String(sums.missedBehind), bar: "0" })
  report({ part, what: "removed although they are listed", sync: String(sums.removedWrongly), bar: "0" })
  report({ part, what: "final versions a day old that are not there, of 10,000", sync: perTenThousand(sums) })
}

console.log("\n| | what | sync | bar | last 24 h each time | last 72 h each time |\n|---|---|---|---|---|---|")
for (const { bar = "", lookBacks = ["", ""], part, sync, what } of rows) {
  console.log(`| ${[part, what, sync, bar, ...lookBacks].join(" | ")} |`)
}
