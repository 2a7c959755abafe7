/** What a sync will take: from a plan of its first pass, or from its state where there is one. */
import { Instant, type Plan, SyncBill, type Verdict } from "@callstream/core"
import type { View } from "@callstream/core/sync/Ledger"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { SyncJob } from "../run/RunSync.ts"
import * as ShownTime from "../option/ShownTime.ts"
import type * as FactList from "./FactList.ts"
import * as Format from "./Format.ts"

const day = 86_400_000_000

/** The calls of so many days say how many come a day. */
const days = 7

/** About what a call takes in the state. */
const bytes = 127

export interface Bill {
  readonly callsADay: number
  /** `undefined` of a sync that runs already. */
  readonly first: Pick<Plan.Plan, "requests" | "elapsed" | "spent" | "sessions"> | undefined
  readonly known: Verdict.Verdict | undefined
  /** Requests a day, by the time between passes. */
  readonly each: ReadonlyArray<{ readonly every: Duration.Duration; readonly requests: number }>
  readonly most: number | undefined
  readonly stateBytes: number
}

const billOf = (
  { horizon, sync: { audits, every, maxRequests, remember } }: SyncJob,
  callsADay: number,
  pageSize: number
): Pick<Bill, "callsADay" | "each" | "most" | "stateBytes"> => ({
  callsADay: Math.round(callsADay),
  each: (every === undefined ? [Duration.hours(1), Duration.minutes(1)] : [every]).map((every) => ({
    every,
    requests: SyncBill.requestsADay({ callsADay, pageSize, every, horizon, audits: audits.length })
  })),
  most: maxRequests,
  stateBytes: Math.round(bytes * callsADay * Duration.toDays(remember))
})

/** From a plan of the first pass: of its windows, the last ones. */
export const ofPlan = (job: SyncJob, plan: Plan.Plan, now: Instant.Instant): Bill => {
  // A range without an end is planned beyond now.
  const to = Math.max(plan.from, Math.min(plan.to, now))
  const from = Math.max(plan.from, to - days * day)
  const within = plan.windows.reduce((sum, window) => {
    const overlap = Math.max(0, window.to - Math.max(window.from, from))
    return sum + (window.sessions * overlap) / Math.max(1, window.to - window.from)
  }, 0)
  const all = (plan.sessions.least + plan.sessions.most) / 2
  const [calls, span] = plan.windows.length === 0 ? [all, to - plan.from] : [within, to - from]
  return { ...billOf(job, (calls * day) / Math.max(1, span), plan.pageSize), first: plan, known: undefined }
}

/** From the state of a sync: no request is made. */
export const ofState = Effect.fnUntraced(function* (job: SyncJob, view: View, verdict: Verdict.Verdict) {
  const { from: begin, watermark } = verdict
  const from = Math.max(begin, watermark - days * day)
  const calls = watermark <= from ? 0 : yield* view.count({ from, to: watermark })
  const callsADay = (calls * day) / Math.max(1, watermark - from)
  const bill: Bill = { ...billOf(job, callsADay, job.selection.pageSize ?? 100), first: undefined, known: verdict }
  return bill
})

const rhythm = (every: Duration.Duration): string => `a pass every ${Format.duration(Duration.toMillis(every))}`

export const facts = ({ callsADay, each, first, known, most, stateBytes }: Bill): ReadonlyArray<FactList.Fact> => [
  ["calls", `about ${Format.count(callsADay)} a day`],
  ...(first === undefined
    ? []
    : [
        [
          "first pass",
          `about ${Format.counted(first.requests, "request")}, about ${Format.duration(first.elapsed)}`
        ] as const
      ]),
  [
    "then",
    ...each.map(({ every, requests }) => `about ${Format.counted(requests, "request")} a day with ${rhythm(every)}`)
  ],
  ...(most === undefined
    ? []
    : [
        [
          "limit",
          ...each.map(({ every, requests }) =>
            requests <= most
              ? `${Format.count(most)} a day are enough for ${rhythm(every)}`
              : `${Format.count(most)} a day are too few for ${rhythm(every)}: the sync would be late`
          )
        ] as const
      ]),
  ...(known === undefined
    ? []
    : [["measured", `${Format.counted(known.requests.sent, "request")} in the last 24 h`] as const]),
  ["state", `about ${Math.max(1, Math.round(stateBytes / 1e6))} MB on disk`],
  [
    "planned",
    first === undefined
      ? "from the state of the sync, without a request"
      : `with ${Format.counted(first.spent, "request")}; nothing was written`
  ]
]

export const toJson = ({ callsADay, each, first, known, most, stateBytes }: Bill) => ({
  callsADay,
  firstPass: first === undefined ? null : { requests: first.requests, elapsedMs: Math.round(first.elapsed) },
  requestsADay: each.map(({ every, requests }) => ({ everySeconds: Duration.toSeconds(every), requests })),
  maxRequests: most ?? null,
  measured: known === undefined ? null : { requests: known.requests.sent, completeUpTo: completeUpTo(known) },
  stateBytes,
  spent: first?.spent ?? 0
})

const completeUpTo = ({ completeUpTo: at }: Verdict.Verdict): string | null =>
  at === undefined ? null : Instant.format(at)

/** The range of the first pass. */
export const range = (plan: Plan.Plan, clock: SyncJob["zone"]["clock"]): FactList.Fact => [
  "range",
  ShownTime.times(plan.from, "to", plan.to, clock)
]
