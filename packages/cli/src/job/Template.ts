/** The file that `callstream init` writes: a few keys, and comments that explain more. */
import { stringify } from "yaml"
import type { Connection } from "../option/PipelineSpec.ts"
import { heading } from "./Save.ts"

/** What somebody wants of the calls. */
export type Purpose = "file" | "table" | "webhook" | "spreadsheet" | "report"

/** The answers. */
export interface Answers {
  readonly purpose: Purpose
  readonly name: string
  /** A time, a date or an age; empty for the whole history. */
  readonly since: string | undefined
  readonly to: "postgres" | "webhook" | { readonly file: string } | { readonly sqlite: string }
  readonly personal: "keep" | "mask"
  readonly connection: Connection
}

const scalar = (value: unknown): string => stringify(value, { lineWidth: 0 }).trimEnd()

/** The environment variable that has the address of a database. */
export const databaseVariable = "DATABASE_URL"

const table = "    # table: call_sessions # made when it is missing"
const second = ["  # A second place gets the same calls:", "  # - calls.ndjson"]

const sinkLines = ({ purpose, to }: Answers): ReadonlyArray<string> => {
  if (to === "webhook") {
    return [
      "  - to: ${CALLSTREAM_WEBHOOK_URL}",
      "    secret: ${CALLSTREAM_WEBHOOK_SECRET} # what the receiver checks the signature with: whsec_…",
      "    # batchSize: 100 # calls in one request",
      ...second
    ]
  }
  if (to === "postgres") {
    return [
      `  - to: postgres:${databaseVariable} # the environment variable that has the address`,
      table,
      "    # schema: public",
      ...second
    ]
  }
  if ("sqlite" in to) return [`  - to: ${scalar(`sqlite:${to.sqlite}`)}`, table, ...second]
  return [
    `  - to: ${scalar(to.file)}`,
    purpose === "spreadsheet"
      ? "    force: true # replaces the file of the last run, once the new one is complete"
      : "    # rotate: day # a file for each day, or for each 100MB",
    "  # A second place gets the same calls:",
    "  # - to: ${CALLSTREAM_WEBHOOK_URL}",
    "  #   secret: ${CALLSTREAM_WEBHOOK_SECRET}"
  ]
}

/** Whether the sinks are kept up to date, run by run. */
const isSync = (purpose: Purpose): boolean => purpose === "table" || purpose === "webhook" || purpose === "report"

const stateLines = (purpose: Purpose, name: string): ReadonlyArray<string> => {
  if (purpose === "spreadsheet") {
    return [
      "# Each run starts again, and replaces the file of the one before it.",
      `name: ${scalar(name)}`,
      "state: false"
    ]
  }
  if (isSync(purpose)) {
    return [
      "# The state of each call is saved in .callstream under this name, without content. Run it again and again: each run",
      "# reads what is new and what may have changed.",
      `name: ${scalar(name)}`,
      "",
      "sync: {}",
      "# sync: { follow: true, every: 1m } # instead of a schedule: one run that does not end"
    ]
  }
  return [
    "# The state is saved in .callstream under this name. The same command resumes a run that was stopped, and exports nothing",
    "# after a run that finished. With another name, or with state: false, a run starts from the beginning.",
    `name: ${scalar(name)}`
  ]
}

/** When cron runs it; nothing for what is wanted once. */
const times: Readonly<Record<Purpose, string | undefined>> = {
  file: undefined,
  table: "*/15 * * * *",
  webhook: "*/5 * * * *",
  spreadsheet: "0 7 * * 1",
  report: "*/15 * * * *"
}

/** A path in a line of cron, which ends at a %. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`).replaceAll("%", "\\%")}'`

/** The lines for a crontab that runs a file in a folder; nothing for what is wanted once. */
export const schedule = ({ connection, purpose }: Answers, file: string, folder: string): string | undefined => {
  const when = times[purpose]
  if (when === undefined) return undefined
  const key =
    connection.apiKeyFile === undefined
      ? ["# cron does not have your environment: put the key here, or into a file for apiKeyFile.", "AGNI_API_KEY="]
      : []
  const at = (time: string, command: string) => `${time} cd ${quoted(folder)} && ${command}`
  return [
    "# Add these lines to your crontab: crontab -e",
    "PATH=/usr/local/bin:/usr/bin:/bin",
    ...key,
    at(when, `callstream run ${quoted(file)} --quiet`),
    ...(purpose === "report"
      ? [at("0 7 * * 1", "callstream report --from sqlite:calls.db --since 7d --to report.html --force")]
      : []),
    ""
  ].join("\n")
}

export const write = (answers: Answers, file: string): string => {
  const { connection, name, personal, purpose, since } = answers
  return [
    ...heading(file)
      .split("\n")
      .map((line) => `#${line}`),
    "",
    ...stateLines(purpose, name),
    "",
    "# The time zone of days and clock times. Without it: UTC",
    "# zone: Asia/Kolkata",
    "",
    "source:",
    "  # A time (2026-07-31T07:16:10Z), a day (2026-07-31, yesterday, monday) or an age (90m, 12h, 7d, 2w). Without it: everything.",
    since === undefined ? "  # since: 7d" : `  since: ${scalar(since)}`,
    "  # until: 1d",
    "  # on: yesterday # one whole day, instead of since and until",
    "  # channel: inbound_call",
    ...(connection.rate === undefined ? ["  # rate: 5 # requests a second at most"] : []),
    ...Object.entries(connection).map(([key, value]) => `  ${key}: ${scalar(value)}`),
    "  concurrency: 4 # requests at the same time",
    "",
    "transforms:",
    "  # Only calls that pass all of these conditions (CEL):",
    "  # where:",
    `  #   - durationSec > 60 && status == "completed"`,
    ...(personal === "mask"
      ? [
          "  # Personal data is masked. Choose another way with =: phone=hash (with CALLSTREAM_REDACT_KEY), recording=drop.",
          "  redact: [phone, email, name, recording, freeText]"
        ]
      : ["  # Personal data is not masked. To mask it:", "  # redact: [phone, email, name, recording, freeText]"]),
    "  derive: [direction, cost] # fields that are added",
    "  # select: [id, startedAt, direction, durationSec, cost] # only these",
    "",
    "sinks:",
    ...sinkLines(answers),
    "",
    "# Rejected records are written to this file; callstream replay sends them again.",
    `# deadLetters: ${scalar(`${name}.dead-letters.ndjson`)}`,
    "# maxDeadLetters: 10 # stop when more than this percentage of at least 100 records is rejected",
    ""
  ].join("\n")
}
