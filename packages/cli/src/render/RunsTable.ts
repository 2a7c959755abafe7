/** Runs of workers, as a table for people and as JSON for machines. */
import { FleetRun } from "@callstream/cluster"
import { type Calendar, Instant, Limits } from "@callstream/core"
import * as Duration from "effect/Duration"
import * as ShownTime from "../option/ShownTime.ts"
import * as CoverageReport from "../run/CoverageReport.ts"
import * as Format from "./Format.ts"
import * as TextTable from "./TextTable.ts"

type Clock = Calendar.Calendar | undefined

const coverageOf = ({ summary }: FleetRun.FleetRun) =>
  summary === null
    ? undefined
    : CoverageReport.make(summary.coverage, Duration.toMillis(Limits.defaultHorizon), undefined)

/** Stretches that are delivered, and all of them: the ending is none. */
const stretchesOf = ({ finished, parts }: FleetRun.FleetRun) => {
  const of = Math.max(0, parts - 1)
  return { finished: Math.min(finished, of), of }
}

const reasonOf = ({ reason }: Pick<FleetRun.FleetRun, "reason">): string | undefined =>
  reason === null ? undefined : FleetRun.describe(reason)

export const toJson = (run: FleetRun.FleetRun) => {
  const { attempt, counters, createdAt, finishedAt, id, name, state, workers } = run
  const covered = coverageOf(run)
  const { delivered, earliest, latest, read, ...others } = counters
  return {
    run: name,
    id,
    state,
    attempt,
    stretches: stretchesOf(run),
    calls: delivered,
    read,
    ...others,
    earliest: earliest === null ? null : Instant.format(earliest),
    latest: latest === null ? null : Instant.format(latest),
    proven: covered?.set ?? null,
    provenUntil: covered?.provenUntil ?? null,
    createdAt: createdAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
    workers,
    reason: reasonOf(run) ?? null
  }
}

/** Whether everything is there, or up to when. */
const proof = (run: FleetRun.FleetRun, clock: Clock): string => {
  const covered = coverageOf(run)
  if (covered === undefined) return ""
  if (covered.set === "proven") return "yes"
  const until = covered.provenUntil === null ? undefined : Instant.parse(covered.provenUntil)
  return covered.set === "unprovable" || until === undefined ? "no" : `to ${ShownTime.minute(until, clock)}`
}

const row = (run: FleetRun.FleetRun, clock: Clock) => {
  const { finished, of } = stretchesOf(run)
  const since = ShownTime.minute(Instant.of(run.createdAt.getTime() * 1000), clock)
  return {
    run: run.name,
    state: run.state,
    stretches: of === 0 ? "" : `${Format.count(finished)}/${Format.count(of)}`,
    calls: Format.count(run.counters.delivered),
    requests: Format.count(run.counters.requests),
    proven: proof(run, clock),
    since,
    workers: run.workers === 0 ? "" : Format.count(run.workers),
    reason: reasonOf(run)
  }
}

const names = ["run", "state", "stretches", "calls", "requests", "proven", "since", "workers", "reason"]

/** The lines of a table; columns without values are left out. */
export const lines = (runs: ReadonlyArray<FleetRun.FleetRun>, columns: number, clock: Clock): ReadonlyArray<string> =>
  runs.length === 0
    ? ["There is no run yet."]
    : TextTable.render(
        runs.map((run) => row(run, clock)),
        names,
        columns
      ).filter((line) => !line.startsWith("  empty:"))

const stretchLine = ({ counters, nth, reason, status, worker }: FleetRun.FleetStretch, of: number): string => {
  const part = nth < of ? `stretch ${nth + 1}` : "the end"
  const calls = Format.counted(counters.delivered, "call")
  return status === "failed"
    ? `  ${part} failed after ${calls}: ${reason === null ? "" : FleetRun.describe(reason)}`
    : `  ${part}: ${calls} so far, by ${worker ?? ""}`
}

/** The whole reason of a run that failed, and stretches that a worker has now, or that failed. */
export const details = (run: FleetRun.FleetRunDetails): ReadonlyArray<string> => {
  const reason = reasonOf(run)
  return [
    ...(reason === undefined ? [] : [`  ${reason}`]),
    ...run.stretches
      .filter(({ status, worker }) => status === "failed" || (status === "open" && worker !== null))
      .map((one) => stretchLine(one, run.parts - 1))
  ]
}
