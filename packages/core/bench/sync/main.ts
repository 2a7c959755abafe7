/**
 * `node packages/core/bench/sync/main.ts [part]`: what a sync costs, in virtual time over a living organization, beside
 * reading the last 24 and 72 hours again each time. A part is a prefix of the name of a row.
 */
import * as Effect from "effect/Effect"
import * as Measure from "./Measure.ts"
import * as Organization from "./Organization.ts"

const { day, hour, minute, second } = Organization

const cases: ReadonlyArray<readonly [name: string, one: Measure.Case]> = [
  ["2k hourly", { seed: 1, perDay: 2000, days: 11, every: hour, measured: 3 }],
  ["20k hourly", { seed: 2, perDay: 20_000, days: 10, every: hour, measured: 2 }],
  ["20k minute", { seed: 3, perDay: 20_000, days: 9, every: minute, warm: 8, measured: 1 }],
  ["rare 4k hourly", { seed: 4, perDay: 4000, days: 10, every: hour, measured: 2, rare: 3 }]
]

const only = process.argv[2] ?? ""
const perTenThousand = ({ of, stale }: Pick<Measure.Measured, "stale" | "of">) => ((10_000 * stale) / of).toFixed(1)

for (const [name, one] of cases) {
  if (!name.startsWith(only)) continue
  const before = process.cpuUsage()
  const measured = await Effect.runPromise(Measure.run(one))
  const { system, user } = process.cpuUsage(before)
  console.log(`${name}: ${measured.requestsADay} requests a day ${JSON.stringify(measured.byWhy)}`)
  console.log(
    `  at most ${measured.quiet} in a quiet pass; ${perTenThousand(measured)} of 10,000 stale at the end, ${measured.late} late by a day, ${measured.missed} missed, ${measured.missedBehind} of them behind the watermark, ${measured.removedWrongly} removed wrongly`
  )
  console.log(
    `  a change took ${Math.round(measured.half / second)} s, 99 % ${(measured.most / minute).toFixed(1)} min; ${Math.round((user + system) / 1e6)} s of processor time, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MB`
  )
  for (const hours of [24, 72]) {
    const naive = Measure.lookBack(one, hours * hour)
    console.log(
      `  last ${hours} h each time: ${naive.requestsADay} requests a day, ${perTenThousand(naive)} of 10,000 stale, ${naive.missed} missed`
    )
  }
}
console.log(`a day has ${day / hour} hourly passes`)
