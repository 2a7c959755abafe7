/** `callstream report`: what the calls of a period come to, as a page, a summary or a bill. */
import { Bill, Completeness, Instant, Limits, OutputFile, Report } from "@callstream/core"
import { AgniTransport } from "@callstream/node"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { flags, pick } from "../option/Declared.ts"
import * as Kind from "../option/Kind.ts"
import type { Passes } from "../job/Job.ts"
import * as Options from "../option/Options.ts"
import * as ProfileFile from "../option/ProfileFile.ts"
import * as ReportOptions from "../option/ReportOptions.ts"
import * as Source from "../option/SourceOptions.ts"
import * as Transforms from "../option/Transforms.ts"
import { among, NotBillable, UsageError } from "../option/UsageError.ts"
import * as Format from "../render/Format.ts"
import * as ProgressLine from "../render/ProgressLine.ts"
import * as BillLines from "../render/report/BillLines.ts"
import * as CoverageWords from "../render/report/CoverageWords.ts"
import type { BillDocument, Document } from "../render/report/Document.ts"
import * as Html from "../render/report/Html.ts"
import * as Json from "../render/report/ReportJson.ts"
import * as Terminal from "../render/report/Terminal.ts"
import { answer, prose, Screen, toPrintable } from "../render/Screen.ts"
import * as CallsRead from "../run/calls/CallsRead.ts"
import * as MaskedError from "../run/MaskedError.ts"
import * as Progress from "../run/Progress.ts"
import * as ReportCalls from "../run/ReportCalls.ts"
import { decoder } from "../run/RunJob.ts"
import * as Result from "effect/Result"
import * as Expression from "../expression/Expression.ts"
import { readBy } from "../expression/Fields.ts"

type Flags = ReportOptions.Flags

/** The fields to read of what was written. */
const wantedOf = ({ by = "agent", where = [] }: Flags): ReadonlySet<string> =>
  new Set([
    ...CallsRead.fields,
    ...(by === "agent" ? [] : ["metadata"]),
    ...where.flatMap((text) => {
      const parsed = Result.getOrUndefined(Expression.parse(text))
      return parsed === undefined ? [] : [...parsed.reads].flatMap(readBy)
    })
  ])

/** Takes the calls from where they are, in the period and, for a report, in the one before it. */
const take = Effect.fnUntraced(function* (
  input: Flags,
  { from, to, now, zone }: ReportOptions.Period,
  add: ReportCalls.Taker["add"]
) {
  const origin = yield* ReportOptions.origin(input)
  const { where } = input
  const transform = where === undefined ? undefined : yield* Transforms.toTransform({ where }, { tabular: false, zone })
  const passes: Passes | undefined =
    transform === undefined ? undefined : (session) => transform.apply(session) !== undefined
  const taker = { add, passes }
  if (origin !== undefined) return yield* ReportCalls.ofOrigin(origin, wantedOf(input), taker, input.coverage)
  const end = to ?? now
  const begin = from === undefined || input.bill === true ? from : Instant.of(Math.max(0, from - (end - from)))
  const connection = pick(Options.connection, input)
  const profile =
    input.profile === undefined ? undefined : yield* ProfileFile.read(input.profile, Source.baseUrlOf(connection))
  const { live } = yield* Screen
  const progress = yield* Effect.flatMap(Progress.make, Ref.make)
  const range = {
    from: begin,
    to: end,
    pageSize: 100,
    concurrency: connection.concurrency ?? 4,
    horizon: input.horizon === undefined ? Limits.defaultHorizon : Kind.durationOf(input.horizon),
    keepGoing: input.keepGoing ?? false,
    profile
  }
  return yield* Effect.scoped(
    Effect.gen(function* () {
      if (input.quiet !== true && live) yield* ProgressLine.show(() => Ref.getUnsafe(progress), zone.clock)
      return yield* ReportCalls.ofApi(range, taker, progress)
    })
  ).pipe(Effect.provide(Layer.provide(Source.client(connection), [AgniTransport.layer, decoder([])])))
})

const completenessOf = (
  { known, notes, withoutStart }: ReportCalls.Taken,
  range: { readonly from: Instant.Instant; readonly to: Instant.Instant }
) => Completeness.make(known ?? [], range, { notes, withoutStart })

const printed = (lines: ReadonlyArray<string>) => answer(lines.map(toPrintable).join("\n"))

/**
 * The page, opened before anything is read: a name that cannot be written to is found first. What is returned writes it, if
 * one is wanted, and says so with these lines.
 */
const openPage = Effect.fnUntraced(function* ({ force = false, to }: Flags) {
  if (to === undefined) return undefined
  const file = yield* OutputFile.open({ path: to, force })
  return Effect.fnUntraced(function* (html: string, calls: number, coverage: ReadonlyArray<string>) {
    yield* file.write(html)
    yield* file.finish
    yield* prose(`${Format.counted(calls, "call")} in ${to}`, ...coverage.map((line) => `  ${line}`))
  })
})

/** Without a single call a file has no period either. */
const refuseNothing = (
  { from = "" }: Flags,
  period: ReportOptions.Period,
  { unreadable }: ReportCalls.Taken,
  calls: number
) =>
  calls > 0 || from === "" || period.from !== undefined || period.to !== undefined
    ? Effect.void
    : Effect.fail(
        new UsageError({
          option: "from",
          reason: {
            _tag: "CallsUnreadable",
            path: from,
            problem: `has no calls${unreadable === 0 ? "" : `: ${Format.counted(unreadable, "row")} could not be read as calls`}`
          }
        })
      )

/** Whether the calls of the previous period are there to compare with: a file may begin after it. */
const hasPrevious = ({ from }: Flags, { known = [] }: ReportCalls.Taken, made: Report.Report): boolean =>
  from === undefined ||
  Completeness.make(known, { from: Instant.of(2 * made.from - made.to), to: made.from }).stretches.every(
    ({ verdict }) => verdict !== "unknown"
  )

const report = Effect.fnUntraced(function* (input: Flags, period: ReportOptions.Period) {
  const { from, now, to, zone } = period
  const fold = Report.fold({
    calendar: zone.calendar,
    from,
    to,
    errorOf: input.withPersonalData === true ? undefined : MaskedError.of,
    repeats: input.from !== undefined
  })
  const write = yield* openPage(input)
  const taken = yield* take(input, period, fold.add)
  const made = fold.report()
  yield* refuseNothing(input, period, taken, made.totals.calls + made.withoutTime)
  const document: Document = {
    report: hasPrevious(input, taken, made) ? made : { ...made, before: undefined },
    completeness: completenessOf(taken, made),
    zone,
    unit: { currency: input.currency },
    personal: input.withPersonalData ?? false,
    madeAt: now,
    unreadable: taken.unreadable
  }
  yield* write?.(Html.page(document), made.totals.calls, Terminal.coverage(document)) ?? Effect.void
  if (input.json === true) return yield* answer(JSON.stringify(Json.ofReport(document)))
  if (input.csv === true) return yield* answer(Json.csvOfReport(document))
  if (write === undefined) yield* printed(Terminal.lines(document, process.stdout.columns))
})

/** Why there is no bill, and which part of the period could be billed. */
const noBill = ({ completeness, unreadable, zone }: BillDocument) =>
  new NotBillable({
    details: [
      CoverageWords.headline(completeness, zone),
      ...CoverageWords.doubts(completeness, zone),
      ...(unreadable === 0 ? [] : [`${Format.counted(unreadable, "row")} could not be read as calls.`]),
      CoverageWords.billable(completeness)
    ]
  })

const bill = Effect.fnUntraced(function* (input: Flags, period: ReportOptions.Period) {
  const { from, now, to, zone } = period
  const by = input.by ?? "agent"
  const fold = Bill.fold({ from, to, ...ReportOptions.grouping(by), repeats: input.from !== undefined })
  const write = yield* openPage(input)
  const taken = yield* take(input, period, fold.add)
  const made = fold.bill()
  yield* refuseNothing(input, period, taken, made.total.calls + made.total.open + made.withoutTime)
  const begin = from ?? made.first ?? to ?? period.now
  const end = to ?? (made.last === undefined ? begin : Instant.of(made.last + 1))
  const completeness = completenessOf(taken, { from: begin, to: end })
  const document: BillDocument = {
    bill: made,
    by,
    from: begin,
    to: end,
    completeness,
    zone,
    unit: { currency: input.currency },
    madeAt: now,
    unreadable: taken.unreadable
  }
  if ((completeness.verdict !== "proven" || taken.unreadable > 0) && input.provisional !== true) {
    return yield* noBill(document)
  }
  yield* write?.(Html.billPage(document), made.total.calls, BillLines.coverage(document)) ?? Effect.void
  if (input.json === true) return yield* answer(JSON.stringify(Json.ofBill(document)))
  if (input.csv === true) return yield* answer(Json.csvOfBill(made))
  if (write === undefined) yield* printed(BillLines.lines(document, process.stdout.columns))
})

export const reportCommand = Command.make(
  "report",
  flags(ReportOptions.all),
  Effect.fnUntraced(function* (input) {
    yield* among(ReportOptions.contradictions(input).map(Result.fail))
    const period = yield* ReportOptions.period(input)
    yield* Effect.scoped(input.bill === true ? bill(input, period) : report(input, period))
  })
).pipe(
  Command.withDescription(
    "What the calls of a period come to: calls, minutes and cost by day and by agent, outcomes, hours, durations, latency, errors and repeat callers, with what is proven complete. From the API, or from what an export or a sync wrote."
  ),
  Command.withShortDescription("What the calls of a period come to, as a page or a summary"),
  Command.withExamples([
    {
      command: "callstream report --since 7d --zone Asia/Kolkata",
      description: "The last seven days, in the terminal"
    },
    { command: "callstream report --on yesterday --zone Asia/Kolkata --to report.html", description: "A page to show" },
    { command: "callstream report --from sqlite:calls.db --since 30d --to report.html", description: "From a table" },
    {
      command: "callstream report --bill --by metadata.client --since 2026-10-01 --until 2026-11-01",
      description: "What to charge each client"
    }
  ])
)
