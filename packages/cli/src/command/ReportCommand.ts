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
import { among, Incomplete } from "../option/UsageError.ts"
import * as Format from "../render/Format.ts"
import * as ProgressLine from "../render/ProgressLine.ts"
import * as BillLines from "../render/report/BillLines.ts"
import * as CoverageWords from "../render/report/CoverageWords.ts"
import type { Document } from "../render/report/Document.ts"
import * as Html from "../render/report/Html.ts"
import * as Json from "../render/report/ReportJson.ts"
import * as Terminal from "../render/report/Terminal.ts"
import { answer, print, Screen, toPrintable } from "../render/Screen.ts"
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

const writePage = Effect.fnUntraced(function* (path: string, force: boolean, document: Document) {
  yield* Effect.scoped(
    Effect.gen(function* () {
      const file = yield* OutputFile.open({ path, force })
      yield* file.write(Html.page(document))
      yield* file.finish
    })
  )
  const { report } = document
  yield* print(
    `${Format.counted(report.totals.calls, "call")} in ${path}`,
    ...Terminal.coverage(document).map((line) => `  ${line}`)
  )
})

const report = Effect.fnUntraced(function* (input: Flags, period: ReportOptions.Period) {
  const { from, now, to, zone } = period
  const fold = Report.fold({
    calendar: zone.calendar,
    from,
    to,
    errorOf: input.withPersonalData === true ? undefined : MaskedError.of,
    repeats: input.from !== undefined
  })
  const taken = yield* take(input, period, fold.add)
  const made = fold.report()
  const document: Document = {
    report: made,
    completeness: completenessOf(taken, made),
    zone,
    unit: { currency: input.currency },
    personal: input.withPersonalData ?? false,
    madeAt: now,
    unreadable: taken.unreadable
  }
  if (input.to !== undefined) yield* writePage(input.to, input.force ?? false, document)
  if (input.json === true) return yield* answer(JSON.stringify(Json.ofReport(document)))
  if (input.csv === true) return yield* answer(Json.csvOfReport(document))
  if (input.to === undefined) yield* printed(Terminal.lines(document, process.stdout.columns ?? 100))
})

const bill = Effect.fnUntraced(function* (input: Flags, period: ReportOptions.Period) {
  const { from, to, zone } = period
  const by = input.by ?? "agent"
  const fold = Bill.fold({ from, to, ...ReportOptions.grouping(by), repeats: input.from !== undefined })
  const taken = yield* take(input, period, fold.add)
  const made = fold.bill()
  const begin = from ?? made.first ?? to ?? period.now
  const end = to ?? (made.last === undefined ? begin : Instant.of(made.last + 1))
  const completeness = completenessOf(taken, { from: begin, to: end })
  if (completeness.verdict !== "proven" && input.provisional !== true) {
    yield* print(
      "error: no bill: the period is not proven complete",
      `  ${CoverageWords.headline(completeness, zone)}`,
      ...CoverageWords.doubts(completeness, zone).map((line) => `  ${line}`),
      "  Choose a period that is, with --until 2h for example, or add --provisional."
    )
    return yield* new Incomplete()
  }
  const document = { bill: made, by, from: begin, to: end, completeness, zone, unit: { currency: input.currency } }
  if (input.json === true) return yield* answer(JSON.stringify(Json.ofBill(made, { ...document, zone: zone.name })))
  if (input.csv === true) return yield* answer(Json.csvOfBill(made))
  yield* printed(BillLines.lines(document))
})

export const reportCommand = Command.make(
  "report",
  flags(ReportOptions.all),
  Effect.fnUntraced(function* (input) {
    yield* among(ReportOptions.contradictions(input).map(Result.fail))
    const period = yield* ReportOptions.period(input)
    yield* input.bill === true ? bill(input, period) : report(input, period)
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
