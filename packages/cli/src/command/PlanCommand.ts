/** `callstream plan`: estimates the requests and time of an export. */
import { type Calendar, CoverageReason, Instant, Ledger, Plan, Verdict } from "@callstream/core"
import { AgniTransport } from "@callstream/node"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Struct from "effect/Struct"
import * as Source from "../option/SourceOptions.ts"
import { flags, type FlagValues, onOff, pick } from "../option/Declared.ts"
import * as Options from "../option/Options.ts"
import type { PipelineSpec } from "../option/PipelineSpec.ts"
import { UsageError } from "../option/UsageError.ts"
import * as PlannedSync from "../render/PlannedSync.ts"
import * as LedgerPlace from "../run/LedgerPlace.ts"
import * as RunSync from "../run/RunSync.ts"
import * as FactList from "../render/FactList.ts"
import * as Format from "../render/Format.ts"
import * as ShownTime from "../option/ShownTime.ts"
import { answer } from "../render/Screen.ts"
import * as Resolve from "../job/Resolve.ts"
import * as Export from "./ExportCommand.ts"
import * as Sync from "./SyncCommand.ts"

type Clock = Calendar.Calendar | undefined

const span = ({ from, to }: { readonly from: number; readonly to: number }): string =>
  Format.duration((to - from) / 1000)

const about = (value: number): string => `about ${Format.count(value)}`

/** What the flags ask for, beyond what a plan holds. */
interface Asked {
  readonly concurrency: number
  readonly rate: number | undefined
  readonly clock: Clock
  /** When it is now, if the range has no end: the plan reaches further, for calls that come meanwhile. */
  readonly now: Instant.Instant | undefined
  /** Whether the range has a beginning or an end. */
  readonly isBounded: boolean
  /** Whether the export ends early. */
  readonly isLimited: boolean
}

const rangeOf = ({ from, to }: Plan.Plan, { clock, now }: Asked): string =>
  now === undefined || now < from
    ? `${ShownTime.times(from, "to", to, clock)}, ${span({ from, to })}`
    : `${ShownTime.time(from, clock)} to now, ${span({ from, to: now })}`

const sessions = ({ pageSize, sessions, undated }: Plan.Plan, { isBounded }: Asked): string => {
  const { least, most } = sessions
  const dated = isBounded ? " with a start time" : ""
  const some =
    least === most
      ? `${Format.count(most)}${dated}, counted`
      : `between ${Format.count(least)} and ${Format.count(most)}${dated}`
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

const facts = (plan: Plan.Plan, asked: Asked): ReadonlyArray<FactList.Fact> => {
  const { clock, concurrency, isLimited, rate } = asked
  const pace = rate === undefined ? "" : `, at most ${rate} a second`
  const latency = Format.duration(plan.latency)
  return [
    ["range", rangeOf(plan, asked)],
    ["calls", sessions(plan, asked)],
    ["split", ...split(plan, clock)],
    [
      "requests",
      (isLimited ? "at most " : "") +
        about(plan.requests) +
        (plan.probing === 0 ? "" : `, ${Format.count(plan.probing)} of them probes`)
    ],
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

const { audit, every, maxRequests, remember } = Options.sync

/** The options of `plan` alone. */
export const own = {
  sync: onOff("Estimate a sync instead of an export: requests a day, and of the first pass"),
  every: {
    ...every,
    help: "With --sync: how long after a pass the next one begins",
    fallback: "an estimate for 1h and one for 1m"
  },
  audit: { ...audit, help: "With --sync: ages at which every call is read again" },
  remember: { ...remember, help: "With --sync: how long after its start a call is known" },
  maxRequests: { ...maxRequests, help: "With --sync: requests a day at most; says whether they are enough" }
}

type Input = Partial<FlagValues<typeof Export.options & typeof own>>

/** The sync that the flags describe. Its name is asked for where it has a state. */
const syncOf = Effect.fnUntraced(function* (input: Input) {
  const name = input.name ?? Sync.nameFrom(input.to, input.table) ?? "sync"
  const sync = { ...pick(Struct.omit(own, ["sync"]), input), ...(input.every === undefined ? {} : { follow: true }) }
  const spec: PipelineSpec = Object.assign({ sync }, yield* Export.specOf({ ...input, name }))
  const job = yield* Resolve.toJob(spec, { report: "none" })
  return RunSync.isSync(job) ? { job, spec } : yield* Effect.die(new Error("no sync"))
})

/** From the state of a sync that ran, and from a few requests elsewhere. */
const planSync = Effect.fnUntraced(function* (input: Input) {
  const { job, spec } = yield* syncOf(input)
  const show = (bill: PlannedSync.Bill, ...before: ReadonlyArray<FactList.Fact>) =>
    input.json === true
      ? answer(JSON.stringify(PlannedSync.toJson(bill)))
      : FactList.show(...before, ...PlannedSync.facts(bill))
  for (const layer of yield* LedgerPlace.all(job.state, job.name)) {
    const known = yield* Effect.gen(function* () {
      const view = yield* Effect.flatMap(Ledger, (ledger) => ledger.view(job.name))
      const verdict = view === undefined ? undefined : yield* Verdict.of(view)
      if (view === undefined || verdict === undefined || verdict.watermark <= verdict.from) return undefined
      return yield* PlannedSync.ofState(job, view, verdict)
    }).pipe(Effect.scoped, Effect.provide(layer))
    if (known !== undefined) return yield* show(known)
  }
  const { concurrency = 4, from, to, ...rest } = job.selection
  const options = { ...rest, concurrency, horizon: job.horizon, requestsPerSecond: spec.source?.rate }
  const plan = yield* Effect.provide(
    Plan.make({ from, to }, options),
    Layer.provide(Source.client(spec.source ?? {}), AgniTransport.layer)
  )
  yield* show(PlannedSync.ofPlan(job, plan, yield* Instant.now), PlannedSync.range(plan, job.zone.clock))
})

export const planCommand = Command.make(
  "plan",
  flags({ ...Export.options, ...own }),
  Effect.fnUntraced(function* (input) {
    if (input.sync === true) return yield* planSync(input)
    const other = Struct.keys(own).find((key) => input[key] !== undefined)
    if (other !== undefined) {
      return yield* new UsageError({
        option: other,
        reason: { _tag: "OnlyWithOption", other: { option: "sync" } }
      })
    }
    const spec = yield* Export.specOf(input)
    const { horizon, keep, limit, profile, selection, walk, zone } = yield* Resolve.toJob(spec, { report: "none" })
    const { concurrency = 4, from, to, ...rest } = selection
    const rate = spec.source?.rate
    const made = Plan.make({ from, to }, { ...rest, concurrency, horizon, profile, walk, requestsPerSecond: rate })
    const plan = yield* Effect.provide(made, Layer.provide(Source.client(spec.source ?? {}), AgniTransport.layer))
    yield* input.json === true
      ? answer(JSON.stringify(toJson(plan)))
      : FactList.show(
          ...facts(plan, {
            concurrency,
            rate,
            clock: zone.clock,
            now: to === undefined ? yield* Instant.now : undefined,
            isBounded: from !== undefined || to !== undefined,
            isLimited: keep !== undefined || limit !== undefined
          })
        )
  })
).pipe(
  Command.withDescription(
    "Estimate an export with the same flags: calls, windows, requests, time at the present latency, and what can be proven. Makes a few dozen requests and writes nothing. With --sync it estimates a sync: requests a day, and of the first pass; of a sync that ran before it makes no request."
  ),
  Command.withShortDescription("Estimate an export before you run it"),
  Command.withExamples([
    { command: "callstream plan", description: "The whole history" },
    { command: "callstream plan --since 30d --rate 5", description: "The last thirty days, gently" },
    { command: "callstream plan --sync --since 30d --to sqlite:calls.db", description: "What a sync would take a day" },
    { command: "callstream plan --json | jq .requests", description: "For another program" }
  ])
)
