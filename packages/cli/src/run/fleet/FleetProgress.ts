/** A run of workers, in the terms of a run of this process. */
import type { FleetRun } from "@callstream/cluster"
import { CoverageSet, type Pipeline } from "@callstream/core"
import * as Sinks from "../../option/Sinks.ts"
import type { Job } from "../../job/Job.ts"
import type * as Progress from "../Progress.ts"
import type { Requests } from "../Requests.ts"

type Run = Pick<FleetRun.FleetRun, "counters" | "createdAt">

export const progressOf = ({ counters, createdAt }: Run): Progress.Progress => ({
  startedAt: createdAt.getTime(),
  read: counters.read,
  sessions: counters.delivered,
  rejected: counters.rejected,
  leftOut: 0,
  earliest: counters.earliest ?? undefined,
  latest: counters.latest ?? undefined,
  last: undefined,
  resumedAt: undefined,
  committed: counters.delivered > 0,
  stage: "reading",
  written: counters.delivered,
  safe: counters.delivered,
  inFlight: 0
})

export const requestsOf = ({ counters }: Pick<FleetRun.FleetRun, "counters">): Requests => ({
  read: counters.read,
  sent: counters.requests,
  retried: undefined
})

/** Requests of several runs together. */
export const sumOfRequests = (all: ReadonlyArray<Requests>): Requests => ({
  read: all.reduce((sum, { read }) => sum + read, 0),
  sent: all.reduce((sum, { sent }) => sum + sent, 0),
  retried: undefined
})

/** Every sink has every call: no worker resumes without one. */
export const summaryOf = (
  { counters, summary }: Pick<FleetRun.FleetRun, "counters" | "summary">,
  { sinks }: Pick<Job, "sinks">,
  finishedBefore: boolean
): Pipeline.RunSummary => ({
  received: counters.read,
  filtered: counters.filtered,
  dead: counters.dead,
  finishedBefore,
  from: undefined,
  coverage: summary?.coverage ?? CoverageSet.empty,
  totals: {
    committed: "end",
    stage: "finished",
    written: counters.delivered,
    safe: counters.delivered,
    inFlight: 0,
    read: counters.read,
    delivered: counters.delivered,
    filtered: counters.filtered,
    rejected: counters.rejected,
    dead: counters.dead,
    earliest: counters.earliest ?? undefined,
    latest: counters.latest ?? undefined,
    last: undefined
  },
  sinks: sinks.map((sink) => ({
    sink: Sinks.describe(sink),
    written: counters.delivered,
    refused: 0,
    newer: 0,
    notBelieved: 0,
    failure: undefined,
    replaced: [],
    removed: []
  }))
})
