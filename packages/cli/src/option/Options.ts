/** Every option that a flag and a key of a pipeline file share, declared once. */
import { Change, Derive, Limits, Redact } from "@callstream/core"
import * as When from "./When.ts"
import * as Target from "./Target.ts"
import * as Zone from "./Zone.ts"
import { each, list, one, onOff } from "./Declared.ts"
import * as Kind from "./Kind.ts"

/** How the API is reached. Pipelines of one file share it, and with it the budget of requests. */
export const connection = {
  apiKeyFile: one(Kind.file, "File that holds the API key and nothing else", {
    fallback: "the key is in AGNI_API_KEY"
  }),
  baseUrl: one(Kind.text("URL", "the URL of the API"), "URL of the API", {
    fallback: "AGNI_BASE_URL, or https://api.ravan.ai",
    variable: "AGNI_BASE_URL"
  }),
  allowHttp: onOff("Send the key over plain http to another machine, where others can read it on the way"),
  timeout: one(Kind.positiveDuration, "Time limit of one attempt, body included", { fallback: "30s" }),
  retries: one(Kind.integer(0, 1000), "Retries after a transient failure", { fallback: "7" }),
  rate: one(Kind.above(0), "Requests a second at most, retries included", { fallback: "no limit" }),
  concurrency: one(Kind.integer(1, 256), "Requests in flight at once", { fallback: "4" })
}

const time = Kind.text("TIME", When.expected, (text) => When.parse(text) !== undefined)
const filter = (metavar: string, expected: string) => Kind.text(metavar, expected, () => true)

const words = (metavar: string, expected: string) => Kind.text(metavar, expected, () => true)

/** Which calls. */
export const selection = {
  since: one(
    time,
    "Calls that started at this time or later: 2026-07-31T07:16:10Z, '2026-07-31 07:16', 2026-07-31, yesterday, monday, or an age such as 7d"
  ),
  until: one(time, "Calls that started before this time"),
  on: one(
    Kind.text("DAY", When.expectedDay, (text) => When.parseDay(text) !== undefined),
    "Calls of one whole day: today, yesterday, monday (the last one), or 2026-07-31"
  ),
  agentId: one(filter("UUID", "the id of an agent, a UUID"), "Calls of one agent"),
  status: one(
    filter("STATUS", "a status such as completed"),
    "Calls with this status, such as completed; they cannot be proven complete, a condition can"
  ),
  channel: one(filter("CHANNEL", "a channel such as inbound_call"), "Calls of this channel, such as inbound_call"),
  callerNumber: one(
    filter("NUMBER", "a number in E.164 form, such as +14155550123"),
    "Calls from this number, in E.164 form (+14155550123)"
  ),
  search: one(filter("TEXT", "words"), "Calls that the server's search finds; they cannot be proven complete"),
  newest: one(Kind.integer(1), "Only the N calls that started last, newest first"),
  oldest: one(Kind.integer(1), "Only the N calls that started first, oldest first"),
  limit: one(Kind.integer(1), "Stop after N calls that passed the filters"),
  pageSize: one(Kind.integer(1, 100_000), "Calls asked for in one request", { fallback: "100" })
}

/** How they are read. */
export const reading = {
  walk: one(
    Kind.choice("history|pages", ["history", "pages"]),
    "history reads by time and proves what is complete; pages reads by page number and proves nothing",
    { fallback: "history" }
  ),
  horizon: one(Kind.duration, "How long after its start a call may still appear in the API", {
    fallback: When.formatDuration(Limits.defaultHorizon)
  }),
  withoutStart: one(
    Kind.choice("include|skip", ["include", "skip"]),
    "Calls without a start time that were created in the range: include them where the API shows which they are, or skip them",
    { fallback: "include" }
  ),
  keepGoing: onOff("Leave out the records that the server fails to return, report where they are, and exit with 3"),
  profile: one(Kind.file, "Endpoint profile from `check --json`; skips most probing")
}

/** The transforms, in the order of their application. */
export const transforms = {
  where: each(
    words("EXPR", "a condition in CEL"),
    `Only calls for which this holds, in CEL, such as 'durationSec > 60 && status == "completed"'; all must hold`
  ),
  derive: list(
    Kind.completing(words("NAME", "the name of a derived field"), Derive.names),
    "Add fields: outcome, direction, customerNumber, startedDate, startedTime, startedHour, weekday (these four in the time zone of the run), minutes, cost, finalCost, analysis"
  ),
  redact: list(
    Kind.completing(words("CLASS[=MODE]", "a class of personal data"), Redact.classes),
    "Remove personal data: phone, email, name, recording, freeText; each as mask, drop or hash (key in CALLSTREAM_REDACT_KEY)",
    { fallback: "mask" }
  ),
  callingCode: one(
    words("CODE", 'a calling code in quotes, such as "49"'),
    "Calling code of phone numbers that come without one, such as 49, so that their hashes match"
  ),
  select: list(
    words("PATH[=NAME]", "the path of a field"),
    "Only these values, in this order: id,metadata.crm.id=lead"
  ),
  omit: list(words("PATH", "the path of a field"), "All values except these"),
  flatten: onOff("Turn values inside objects into fields named by their path, such as metadata.crm.id")
}

/** Where the calls go. */
export const to = each(
  Kind.completing(
    Kind.text("SINK", Target.expected, (text) => Target.parse(text)._tag === "Some"),
    "paths"
  ),
  "Where calls go: - for stdout, calls.ndjson or calls.csv (also with .gz or .zst), calls.xlsx, calls.parquet, s3://bucket/calls.parquet, s3://bucket/calls/ for a file each day, sqlite:calls.db, postgres:DATABASE_URL, https://… for a webhook",
  { fallback: "-" }
)

/** What one kind of sink or another takes; which kind takes what is in `Sinks.ts`. */
export const sink = {
  force: onOff("Replace a file, or the files of an earlier rotation, if it exists"),
  format: one(
    Kind.choice("FORMAT", ["ndjson", "ndjson.gz", "ndjson.zst", "csv", "csv.gz", "csv.zst", "parquet"]),
    "Format of the files in a folder: ndjson or csv (also with .gz or .zst), or parquet",
    { fallback: "ndjson" }
  ),
  rotate: one(
    Kind.rotation,
    "Many files instead of one, by day of the start or up to a size such as 100MB, with a manifest"
  ),
  s3Endpoint: one(
    Kind.text("URL", "the address of a store, such as https://ACCOUNT.r2.cloudflarestorage.com", (value) =>
      /^https?:\/\/[^/?#@]+\/?$/i.test(value)
    ),
    "Address of a store that speaks S3 (AWS_ENDPOINT_URL_S3)",
    { fallback: "AWS" }
  ),
  table: one(Kind.text("NAME", "the name of a table"), "Table of a database, made when it is missing", {
    fallback: "call_sessions"
  }),
  schema: one(Kind.text("NAME", "the name of a schema"), "Schema of that table in PostgreSQL", {
    fallback: "the first of the search path"
  }),
  csvRaw: onOff("Leave text in CSV as it is, also where a spreadsheet would run it as a formula"),
  csvExcel: onOff("CSV for Excel: with a byte order mark, and times as dates in the time zone of the run"),
  batchSize: one(Kind.integer(1, 10_000), "Calls in one request to a webhook", { fallback: "100" }),
  batchBytes: one(Kind.size, "Size of one request to a webhook at most", { fallback: "512KiB" }),
  webhookBody: one(
    words("EXPR", "an expression in CEL"),
    `Body of each request to a webhook, in CEL, such as '{"text": "Call of " + string(minutes) + " min"}'; null sends nothing`
  ),
  webhookHeader: each(
    Kind.text("NAME=VARIABLE", "the name of a header and of the environment variable that holds its value", (text) =>
      /^[^=\s]+=[A-Za-z_]\w*$/.test(text)
    ),
    "A further header for a webhook, with the value of an environment variable: Authorization=CRM_TOKEN"
  ),
  webhookUnsigned: onOff("Send webhooks without a signature, to a receiver that cannot check one"),
  allowPrivateHosts: onOff("Allow a webhook on this machine or in a private network, with http too")
}

/** How a run resumes, and what becomes of what it cannot deliver. */
export const run = {
  name: one(
    Kind.text("NAME", "a name, such as nightly"),
    "Keep the state of the run under this name: the same command resumes where it stopped"
  ),
  zone: one(
    Kind.text("ZONE", Zone.expected),
    "Time zone of days and clock times, in options, files by day, spreadsheets, derived fields and the summary: Asia/Kolkata, or local",
    { fallback: "UTC" }
  ),
  state: one(
    Kind.completing(Kind.text("DIR|DATABASE", "a folder, sqlite:FILE or postgres:VARIABLE"), "paths"),
    "Where states are kept: a folder, sqlite:state.db, or postgres:DATABASE_URL",
    { fallback: ".callstream" }
  ),
  commitEvery: one(Kind.duration, "How often to save progress", { fallback: "1s" }),
  stretches: one(
    Kind.integer(1, 64),
    "Parts of the range that are read and written at the same time, each of about 20,000 calls in order; for databases, webhooks and rotated files",
    { fallback: "1" }
  ),
  onSinkFailure: one(
    Kind.choice("stop|continue", ["stop", "continue"]),
    "When one of several sinks fails permanently: stop the run, or continue without it and exit with 3",
    { fallback: "stop" }
  ),
  deadLetters: one(Kind.file, "File for rejected records", { fallback: "beside the first file, made when needed" }),
  deadLettersRaw: onOff(
    "Keep rejected records as they were read, with the personal data that redaction removes, and without transforms"
  ),
  maxDeadLetters: one(Kind.percentage, "Stop when more than this percentage of at least 100 records is rejected", {
    fallback: "10"
  }),
  coverage: one(Kind.file, "Write the coverage report to this file, as JSON", {
    fallback: "NAME.coverage.json beside each file"
  }),
  recordings: one(
    Kind.completing(Kind.text("FOLDER", "the name of a folder"), "paths"),
    "Keep the audio of each call that has a recording in this folder, fetched once"
  ),
  recordingsRate: one(Kind.above(0), "Recordings a second at most, retries included", { fallback: "10" }),
  recordingsSize: one(Kind.size, "Size of one recording at most; a larger one is left out", { fallback: "100MB" }),
  recordingsPrivateHosts: onOff("Allow recordings on this machine or in a private network, with http too"),
  strict: onOff(
    "Exit with 3 also when a record was rejected, a recording is missing, or what was read is not proven yet"
  )
}

/** How sinks are kept up to date, instead of one export. */
export const sync = {
  follow: onOff("Continue with a further pass, until a signal"),
  every: one(Kind.positiveDuration, "When following: how long after a pass the next one begins", { fallback: "1m" }),
  audit: list(Kind.positiveDuration, "Ages at which every call is read again", { fallback: "1d,3d,7d" }),
  remember: one(Kind.positiveDuration, "How long after its start a call is known; longer than the last audit", {
    fallback: "30d"
  }),
  worth: one(
    Kind.above(0),
    "Changes that a request must be expected to bring; more saves requests, and changes come later",
    { fallback: "1" }
  ),
  maxRequests: one(
    Kind.requestsADay,
    "Requests a day at most; over it the sync is late: audits and readings of little worth wait first",
    { fallback: "no limit" }
  ),
  events: list(
    Kind.completing(words("MILESTONE", "a milestone"), Change.Milestone.literals),
    "To webhooks only versions that reach one of these: completed, cost, recording, analysis, final; and calls that are gone",
    { fallback: "every version" }
  ),
  history: onOff("Keep each version of a call as a row of a second table, with valid_from, valid_to and is_current"),
  deleteRemoved: onOff("Delete the rows of calls that are gone, instead of setting removed_at"),
  maxRemovals: one(Kind.integer(1), "When removed calls are deleted: rows deleted at most in an hour, or in a run", {
    fallback: "1000"
  })
}

/** Of a command alone: a file of metrics is of all its pipelines. */
export const metricsFile = one(
  Kind.file,
  "Write metrics to this file for Prometheus' textfile collector: NAME.prom, replaced every 15 seconds and at the end"
)

/** Of a command alone, as above. */
export const otlp = onOff(
  "Send traces, metrics and logs to an OpenTelemetry collector, as the OTEL_* variables say (default: http://localhost:4318)"
)

/** The groups by where a pipeline file holds them. */
export const groups = { connection, selection, reading, transforms, sink, run, sync } as const

/** The name of an option: its key in a file, and its flag with dashes. */
export type OptionId =
  | "to"
  | keyof typeof connection
  | keyof typeof selection
  | keyof typeof reading
  | keyof typeof transforms
  | keyof typeof sink
  | keyof typeof run
  | keyof typeof sync
