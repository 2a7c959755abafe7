/** Options of an export that a sync has too, in the words of a sync. */
import * as Struct from "effect/Struct"
import type { Declared } from "./Declared.ts"
import * as Options from "./Options.ts"

interface Said {
  readonly help: string
  readonly fallback?: string
}

/** The same option, described for a sync. */
const said = <D extends Declared<unknown>>(declared: D, words: Said): D => ({ ...declared, ...words })

const offered = ({ rotate }: Pick<typeof Options.sink, "rotate">): (typeof Options.sink)["rotate"] => ({
  ...rotate,
  kind: { ...rotate.kind, metavar: "SIZE", completes: undefined }
})

const { agentId, callerNumber, channel, pageSize, since } = Options.selection

export const selection = {
  since: said(since, {
    help: "Follow calls that started at this time or later: 2026-07-31, yesterday, or an age such as 30d; later passes keep the time of the first one",
    fallback: "every call"
  }),
  agentId,
  channel,
  callerNumber,
  pageSize
}

export const reading = {
  horizon: Options.reading.horizon,
  keepGoing: said(Options.reading.keepGoing, {
    help: "Leave out the records that the server fails to return, report their range as not proven, and retry it in later passes"
  })
}

export const to = said(Options.to, {
  help: "Where changes go: sqlite:calls.db or postgres:DATABASE_URL for a table, changes.ndjson (also with .gz or .zst) for a log, https://… for a webhook, - for events on stdout"
})

export const sink = {
  ...Struct.omit(Options.sink, ["force", "csvRaw", "csvExcel"]),
  rotate: said(offered(Options.sink), {
    help: "Size of a file of a log of changes at most, such as 100MB; the next file also begins after an hour",
    fallback: "64MB"
  }),
  batchSize: said(Options.sink.batchSize, { help: "Events in one request to a webhook", fallback: "100" })
}

export const run = {
  ...Struct.omit(Options.run, ["onSinkFailure", "coverage", "strict"]),
  name: said(Options.run.name, {
    help: "Keep what the sync knows under this name: the same command makes the next pass",
    fallback: "the name of the first file or database file, or else of the table"
  }),
  zone: said(Options.run.zone, {
    help: "Time zone of days and clock times, in options, derived fields and the summary: Asia/Kolkata, or local",
    fallback: "UTC"
  }),
  state: said(Options.run.state, {
    help: "Where what the sync knows is kept: a folder, sqlite:state.db, or postgres:DATABASE_URL",
    fallback: ".callstream"
  })
}

/** Where a command looks for syncs. */
export const place = {
  state: run.state,
  zone: said(Options.run.zone, { help: "Time zone of the times shown: Asia/Kolkata, or local", fallback: "UTC" })
}
