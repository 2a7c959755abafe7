/** `callstream plan`: estimates the requests and time of an export. */
import { type Calendar, CoverageReason, Instant, Plan } from "@callstream/core"
import { AgniTransport } from "@callstream/node"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Source from "../option/SourceOptions.ts"
import { flags } from "../option/Declared.ts"
import * as FactList from "../render/FactList.ts"
import * as Format from "../render/Format.ts"
import * as ShownTime from "../option/ShownTime.ts"
import { answer } from "../render/Screen.ts"
import * as Resolve from "../job/Resolve.ts"
import * as Export from "./ExportCommand.ts"

type Clock = Calendar.Calendar | undefined

const span = ({ from, to }: { readonly from: number; readonly to: number }): string =>
  Format.duration((to - from) / 1000)

const about = (value: number): string => `about ${Format.count(value)}`

const sessions = ({ pageSize, sessions, undated }: Plan.Plan): string => {
  const { least, most } = sessions
  const some =
    least === most ? `${Format.count(most)}, counted` : `between ${Format.count(least)} and ${Format.count(most)}`
  const without = undated === 0 ? "" : `; about ${Format.count(undated)} have no start time`
  return `${some}${without}; ${Format.count(pageSize)} to a page`
}

const windowOf = (window: Plan.Stretch, clock: Clock): string =>
  `${span(window)} from ${ShownTime.time(window.from, clock)} with ${about(window.sessions)}`

const split = ({ spreadSeen, walk, windows }: Plan.Plan, clock: Clock): ReadonlyArray<string> => {
  if (walk === "pages") return ["by page numbers, not into windows of time"]
  const filled = windows.filter(({ sessions }) => sessions > 0)
  if (filled.length === 0) return ["nothing to read"]
  const density = (window: Plan.Stretch) => window.sessions / (window.to - window.from)
  const sorted = filled.toSorted((left, right) => density(right) - density(left))
  const [densest] = sorted
  const thinnest = sorted.at(-1)
  const number = Format.counted(windows.length, "window")
  if (!spreadSeen) return [`into ${number}, if the calls are spread evenly: the order does not show it`]
  return densest === undefined || thinnest === undefined || densest === thinnest
    ? [`into ${number}`]
    : [`into ${number} of start time`, `densest: ${windowOf(densest, clock)}`, `thinnest: ${windowOf(thinnest, clock)}`]
}

const reasonsOf = ({ reasons }: Plan.Plan): string => reasons.map(CoverageReason.describe).join("; ")

const proof = (plan: Plan.Plan, clock: Clock): ReadonlyArray<string> => {
  if (plan.set === "unprovable") {
    return plan.profile.filterProblem === undefined
      ? [`nothing can be proven: ${reasonsOf(plan)} (--walk history can)`]
      : [`nothing can be proven: ${reasonsOf(plan)}`]
  }
  if (plan.set === "proven") return ["all of it can be proven complete"]
  const until = plan.provableUntil
  return until === undefined
    ? [`not to be proven: ${reasonsOf(plan)}`]
    : [`can be proven up to ${ShownTime.time(until, clock)}; later: ${reasonsOf(plan)}`]
}

const facts = (
  plan: Plan.Plan,
  concurrency: number,
  rate: number | undefined,
  clock: Clock
): ReadonlyArray<FactList.Fact> => {
  const pace = rate === undefined ? "" : `, at most ${rate} a second`
  const latency = Format.duration(plan.latency)
  return [
    ["range", `${ShownTime.times(plan.from, "to", plan.to, clock)}, ${span(plan)}`],
    ["calls", sessions(plan)],
    ["split", ...split(plan, clock)],
    ["requests", about(plan.requests) + (plan.probing === 0 ? "" : `, ${Format.count(plan.probing)} of them probes`)],
    ["time", `about ${Format.duration(plan.elapsed)}: a request takes ${latency} now, ${concurrency} at once${pace}`],
    ["proof", ...proof(plan, clock)],
    ["planned", `with ${Format.counted(plan.spent, "request")}; nothing was written`]
  ]
}

const toJson = (plan: Plan.Plan) => ({
  from: Instant.format(plan.from),
  to: Instant.format(plan.to),
  walk: plan.walk,
  sessions: plan.sessions,
  undated: plan.undated,
  pageSize: plan.pageSize,
  requests: plan.requests,
  probing: plan.probing,
  latencyMs: Math.round(plan.latency),
  elapsedMs: Math.round(plan.elapsed),
  set: plan.set,
  reasons: plan.reasons.map(CoverageReason.describe),
  provableUntil: plan.provableUntil === undefined ? null : Instant.format(plan.provableUntil),
  spent: plan.spent,
  spreadSeen: plan.spreadSeen,
  windows: plan.windows.map(({ from, requests, sessions, to }) => ({
    from: Instant.format(from),
    to: Instant.format(to),
    sessions,
    requests
  }))
})

export const planCommand = Command.make(
  "plan",
  flags(Export.options),
  Effect.fnUntraced(function* (input) {
    const spec = yield* Export.specOf(input)
    const { horizon, profile, selection, walk, zone } = yield* Resolve.toJob(spec, { report: "none" })
    const { concurrency = 4, from, to, ...rest } = selection
    const rate = spec.source?.rate
    const made = Plan.make({ from, to }, { ...rest, concurrency, horizon, profile, walk, requestsPerSecond: rate })
    const plan = yield* Effect.provide(made, Layer.provide(Source.client(spec.source ?? {}), AgniTransport.layer))
    yield* input.json === true
      ? answer(JSON.stringify(toJson(plan)))
      : FactList.show(...facts(plan, concurrency, rate, zone.clock))
  })
).pipe(
  Command.withDescription(
    "Estimate an export with the same flags: calls, windows, requests, time at the present latency, and what can be proven. Makes a few dozen requests and writes nothing."
  ),
  Command.withShortDescription("What an export would take, before it is made"),
  Command.withExamples([
    { command: "callstream plan", description: "The whole history" },
    { command: "callstream plan --since 30d --rate 5", description: "The last thirty days, gently" },
    { command: "callstream plan --json | jq .requests", description: "For another program" }
  ])
)
