/** The first few records at every stage of a pipeline: what a run would do, without doing it. */
import { CallSession, CallSessions, Column, Ndjson, type Transform } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Sinks from "../flag/Sinks.ts"
import * as Target from "../flag/Target.ts"
import * as Transforms from "../flag/Transforms.ts"
import type { Job } from "../spec/Job.ts"
import type { PipelineSpec } from "../spec/PipelineSpec.ts"
import * as Format from "./Format.ts"
import { answer, Screen, toPrintable } from "./Screen.ts"
import * as Table from "./Table.ts"

/** How many records are shown. */
const shown = 10

/** A page or a few, when a filter of the server's leaves most of them empty. */
const mostPages = 5

interface Stage {
  /** `source`, a verb, or `to` with the place. */
  readonly stage: string
  readonly to?: string
  readonly columns: ReadonlyArray<string>
  readonly records: ReadonlyArray<object>
  readonly failed: number
}

/** What is shown is redacted at every stage: a screen, or a log of a job, is no place for what no file is to hold. */
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

/** The sessions that come first from the server: no walk, so neither the oldest nor a proof of anything. */
const first = Effect.fnUntraced(function* ({ selection }: Job) {
  const sessions: Array<CallSession.CallSession> = []
  yield* CallSessions.selectedPages({ ...selection, concurrency: 1, pageSize: 50 }).pipe(
    Stream.take(mostPages),
    Stream.takeUntil((page) => sessions.push(...page.sessions) >= shown),
    Stream.runDrain
  )
  return sessions.slice(0, shown)
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
  const sessions = yield* first(job)
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
  return stages.map((stage): Stage => ({ ...stage, records: redacted(job.transform, stage.records) }))
})

/** What a person looks at first, behind what the pipeline changes. */
const telling = ["startedAt", "status", "channel", "durationSec", "callerNumber"]

/** The fields that the stages change or add: those are what one wants to see before and after. */
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
      ? `${Format.counted(records.length, "session")}, as the API sends them${redacts ? ", redacted" : ""}`
      : `${Format.count(records.length)} of ${Format.count(of)}`
  const dead = failed === 0 ? "" : `, ${Format.count(failed)} could not go on`
  return `${to === undefined ? stage : `to ${to}`}: ${amount}${dead}${again ? ", as above" : ""}`
}

/** Reads a page and tells what becomes of its records: as tables on a terminal, as NDJSON elsewhere. */
export const run = Effect.fnUntraced(function* (job: Job, spec: PipelineSpec) {
  const { reworded } = yield* Screen
  const stages = yield* stagesOf(job, spec)
  if (!process.stdout.isTTY) {
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
  yield* answer([...title, ...tables, "Nothing was written, sent or kept."].join("\n"))
})
