/** Shows the first calls that pass at each stage of a pipeline, without writing anything. */
import { CallSession, CallSessions, Column, Ndjson, type Transform } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Sinks from "../option/Sinks.ts"
import * as Target from "../option/Target.ts"
import * as Transforms from "../option/Transforms.ts"
import type { Job } from "../job/Job.ts"
import type { PipelineSpec } from "../option/PipelineSpec.ts"
import * as Format from "./Format.ts"
import { wrap } from "./Help.ts"
import * as Unmatched from "../run/Unmatched.ts"
import * as NothingMatched from "./NothingMatched.ts"
import { answer, print, Screen, toPrintable } from "./Screen.ts"
import * as Table from "./TextTable.ts"

/** How many calls are shown. */
const shown = 10

/** The most pages that are searched for calls that pass. */
const mostPages = 10

interface Stage {
  /** `source`, a verb, or `to` with the place. */
  readonly stage: string
  readonly to?: string
  readonly columns: ReadonlyArray<string>
  readonly records: ReadonlyArray<object>
  readonly failed: number
}

/** Redacts every stage: a screen or a log must not show what no file may hold. */
const redacted = (
  { redaction }: Transform.Transform<never, unknown>,
  records: ReadonlyArray<object>
): ReadonlyArray<object> =>
  redaction === undefined
    ? records
    : records.flatMap((record) => {
        const { value } = redaction.apply(record)
        return typeof value === "object" && value !== null ? [value] : []
      })

interface Looked {
  /** The first calls that pass the conditions, or the first of all if none passes. */
  readonly sessions: ReadonlyArray<CallSession.CallSession>
  /** How many passed, of how many were read. */
  readonly passed: number
  readonly of: number
  readonly unmatched: Unmatched.Finding | undefined
}

/** The calls that were read so far. */
interface Found {
  readonly sessions: Array<CallSession.CallSession>
  readonly passed: Array<CallSession.CallSession>
  of: number
}

/** Reads pages in the server's order: not the oldest calls, and no proof. */
const look = Effect.fnUntraced(function* ({ conditions, limit, passes, selection }: Job) {
  const most = Math.min(shown, limit ?? shown)
  const found: Found = { sessions: [], passed: [], of: 0 }
  const { passed, sessions } = found
  const seen = Unmatched.makeSeen([...new Set(conditions.flatMap(({ fields }) => fields))])
  yield* CallSessions.selectedPages({ ...selection, concurrency: 1, pageSize: 100 }).pipe(
    Stream.take(mostPages),
    Stream.takeUntil((page) => {
      seen.add(page.rows.sessions())
      for (const session of page.rows.sessions()) {
        if (passed.length === most) break
        found.of++
        if (sessions.length < most) sessions.push(session)
        if (passes === undefined || passes(session)) passed.push(session)
      }
      return passed.length === most
    }),
    Stream.runDrain
  )
  const nothing = passed.length === 0
  return {
    sessions: nothing ? sessions : passed,
    passed: passed.length,
    of: found.of,
    unmatched: nothing && found.of > 0 ? Unmatched.ofConditions(conditions, seen) : undefined
  } satisfies Looked
})

const through = (
  sessions: ReadonlyArray<CallSession.CallSession>,
  transform: Transform.Pure<CallSession.CallSession, object>
) => {
  let failed = 0
  const records = sessions.flatMap((session) => {
    try {
      const record = transform.apply(session)
      return record === undefined ? [] : [record]
    } catch {
      failed++
      return []
    }
  })
  return { columns: Column.names(transform.columns(Column.ofSession)), records, failed }
}

const stagesOf = Effect.fnUntraced(function* (job: Job, spec: PipelineSpec) {
  const looked = yield* look(job)
  const { sessions } = looked
  const verbs = yield* Transforms.toStages(spec.transforms ?? {}, {
    tabular: job.sinks.some(({ target }) => Target.isTable(target)),
    zone: job.zone
  })
  const last = through(sessions, job.transform)
  const source: Stage = { stage: "source", columns: CallSession.fieldNames, records: sessions, failed: 0 }
  const stages = [
    source,
    ...verbs.map(({ upTo, verb }): Stage => ({ stage: verb, ...through(sessions, upTo) })),
    ...job.sinks.map((sink): Stage => ({ stage: "to", to: Sinks.describe(sink), ...last }))
  ]
  return {
    looked,
    stages: stages.map((stage): Stage => ({ ...stage, records: redacted(job.transform, stage.records) }))
  }
})

/** The fields shown first, after those that the pipeline changes. */
const telling = ["startedAt", "status", "channel", "durationSec", "callerNumber"]

/** The fields that the stages change or add, to compare before and after. */
const changed = (stages: ReadonlyArray<Stage>): ReadonlyArray<string> => {
  const names = new Set<string>()
  const seen = new Map<unknown, string>()
  for (const { records } of stages) {
    for (const record of records) {
      const fields = new Map<string, unknown>(Object.entries(record))
      const id = fields.get("id")
      for (const [name, value] of fields) {
        const key = JSON.stringify([id, name])
        const text = JSON.stringify(value)
        if (seen.has(key) ? seen.get(key) !== text : !CallSession.fieldNames.some((known) => known === name)) {
          names.add(name)
        }
        seen.set(key, text)
      }
    }
  }
  return [...names]
}

/** Until the pipeline itself chooses the fields. */
const choosing = new Set<string>(["select", "omit", "flatten", "to"])

const same = (a: Stage, b: Stage | undefined): boolean =>
  b !== undefined && JSON.stringify([a.columns, a.records]) === JSON.stringify([b.columns, b.records])

const heading = (
  { failed, records, stage, to }: Stage,
  { again, of, redacts }: { readonly again: boolean; readonly of: number; readonly redacts: boolean }
): string => {
  const amount =
    stage === "source"
      ? `${Format.counted(records.length, "call")}, as the API sends them${redacts ? ", redacted" : ""}`
      : `${Format.count(records.length)} of ${Format.count(of)}`
  const dead = failed === 0 ? "" : `, ${Format.count(failed)} rejected`
  return `${to === undefined ? stage : `to ${to}`}: ${amount}${dead}${again ? ", as above" : ""}`
}

/** Which calls are shown, of how many. */
const choice = ({ of, passed, unmatched }: Looked): string =>
  unmatched !== undefined
    ? `None of the first ${Format.counted(of, "call")} passed; these came first. ${NothingMatched.describe(unmatched)}`
    : passed === of
      ? `The first ${Format.counted(of, "call")} that the API sends.`
      : `The first ${Format.counted(passed, "call")} that passed, of ${Format.count(of)} read.`

/** Reads a few pages and shows the first calls that pass at each stage: tables on a terminal, NDJSON elsewhere. */
export const run = Effect.fnUntraced(function* (job: Job, spec: PipelineSpec) {
  const { reworded } = yield* Screen
  const { looked, stages } = yield* stagesOf(job, spec)
  if (!process.stdout.isTTY) {
    if (job.report === "people") yield* print(reworded(choice(looked)))
    const lines = stages.flatMap(({ records, stage, to }) =>
      records.map((record) => ({
        pipeline: spec.name,
        stage,
        ...(to === undefined ? {} : { to: reworded(to) }),
        record
      }))
    )
    return lines.length === 0 ? undefined : yield* answer(Ndjson.encode(lines).trimEnd())
  }
  const of = stages[0]?.records.length ?? 0
  const redacts = job.transform.redaction !== undefined
  const columns = process.stdout.columns ?? 80
  const first = ["id", ...changed(stages.filter(({ stage }) => !choosing.has(stage))), ...telling]
  const tables = stages.flatMap((stage, i) => {
    const names = choosing.has(stage.stage) ? [] : first.filter((name) => stage.columns.includes(name))
    const again = stage.records.length > 0 && same(stage, stages[i - 1])
    const rows =
      again || stage.records.length === 0
        ? []
        : Table.render(stage.records, [...new Set([...names, ...stage.columns])], columns)
    return [reworded(heading(stage, { again, of, redacts })), ...rows, ""]
  })
  const title = job.title === undefined ? [] : [toPrintable(job.title), ""]
  const chosen = [wrap(toPrintable(reworded(choice(looked))), columns), ""]
  yield* answer([...title, ...chosen, ...tables, "Nothing was written, sent or kept."].join("\n"))
})
