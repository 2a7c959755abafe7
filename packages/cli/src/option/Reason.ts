/** Reasons of a `UsageError` as words: what happened and what to do, in the language of flags or of a file's keys. */
import type { PostgresClient } from "@callstream/node"
import { show } from "../expression/Mistake.ts"
import { adviceFor, unset } from "./advice/SinkAdvice.ts"
import { fileWords, type OtherReason } from "./FileWords.ts"
import { reportWords } from "./ReportWords.ts"
import type { Speaker } from "./Speaker.ts"
import { overrideWords } from "./OverrideWords.ts"
import type { AnyOption, ConflictCause, Reason, TableNameProblem, UsageError } from "./UsageError.ts"

export interface Words {
  readonly problem: string
  /** Lines below it that repeat a text and point at a place; where a whole file is shown, its own line replaces them. */
  readonly quoted?: ReadonlyArray<string>
  readonly advice?: string
}

const causes: Readonly<Record<ConflictCause, string>> = {
  "pages prove nothing": "; reading by page number proves nothing",
  "not resumable": "; such a run cannot be resumed",
  "a resumed run replaces nothing": "; a run that resumes replaces nothing",
  "select leaves out the rest": ""
}

const tableNames: Readonly<Record<TableNameProblem, (name: string) => string>> = {
  empty: () => "the name is empty",
  own: (name) => `${name} is a table of callstream's own`,
  "too long for PostgreSQL": () => "PostgreSQL has no names of more than 63 bytes",
  "reserved by SQLite": () => "SQLite keeps names that begin with sqlite_ for itself"
}

const encode = "Percent-encode characters such as #, / or @ in the password: # is %23."

const postgresUrls: Readonly<Partial<Record<PostgresClient.PostgresUrlReason["_tag"], string>>> = {
  Scheme: "Write it as postgres://user:password@host/database.",
  Unreadable: encode,
  Fragment: encode,
  Encoding: "Write a % as %25.",
  Parameter: "Remove the parameter."
}

/** Mistakes in a key, an address or the working folder. */
type SettingReason = Extract<
  Reason,
  {
    readonly _tag:
      | "NoApiKey"
      | "NoWebhookSecret"
      | "NoRedactKey"
      | "ShortRedactKey"
      | "VariableNotSet"
      | "OtelVariable"
      | "PasswordOnCommandLine"
      | "PostgresUrl"
      | "PortTaken"
      | "NotATerminal"
      | "CallsUnreadable"
      | "ChangesNotCalls"
      | "NotACoverageReport"
      | "CoverageTaken"
      | "NotOverridden"
  }
>

const settingWords = (reason: SettingReason | OtherReason, speaker: Speaker): Words => {
  switch (reason._tag) {
    case "NoApiKey":
      return {
        problem: "there is no API key",
        advice: `Set AGNI_API_KEY, or name a file that holds the key with ${speaker.name({ option: "apiKeyFile" })}.`
      }
    case "NoWebhookSecret":
      return {
        problem: "there is no secret to sign webhooks with",
        advice: `Set ${reason.variable} to the receiver's secret, which begins with whsec_.`
      }
    case "NoRedactKey":
      return {
        problem: "there is no key to hash with",
        advice: `Set ${reason.variable} to what openssl rand -hex 32 prints, and keep it: another key gives other hashes.`
      }
    case "ShortRedactKey":
      return {
        problem: `the key${reason.variable === undefined ? "" : ` in ${reason.variable}`} is shorter than ${reason.least} characters, and could be guessed`,
        advice: "Make one with openssl rand -hex 32."
      }
    case "VariableNotSet":
      return {
        problem: `the environment variable ${reason.variable} is not set`,
        advice: unset[reason.holds]
      }
    case "OtelVariable":
      return {
        problem: `${reason.variable} is not ${reason.expected}`,
        advice: `Change ${reason.variable}, or remove --otlp.`
      }
    case "PasswordOnCommandLine":
      return {
        problem: "others on this machine can read a password on the command line",
        advice:
          "Put the URL into an environment variable, such as DATABASE_URL, and write postgres:DATABASE_URL; or leave the password out and set PGPASSWORD."
      }
    case "PostgresUrl": {
      const problem = `${reason.database}: ${reason.error.description}`
      const advice = postgresUrls[reason.error.reason._tag]
      return advice === undefined ? { problem } : { problem, advice }
    }
    case "PortTaken":
      return {
        problem: `port ${reason.port} cannot be listened on`,
        advice: "Another program may use it: choose another one, or 0 for any free one."
      }
    case "CallsUnreadable":
    case "ChangesNotCalls":
    case "NotACoverageReport":
    case "CoverageTaken":
      return reportWords(reason, speaker)
    case "NotOverridden":
      return overrideWords(reason)
    case "NotATerminal":
      return {
        problem: "init asks questions, and this is no terminal",
        advice:
          "Write the file by hand (callstream run --schema prints the keys), or with callstream export … --save FILE."
      }
    default:
      return fileWords(reason, speaker)
  }
}

/** Without the subject, which is the option. */
const wordsFor = (reason: Reason, option: AnyOption | undefined, speaker: Speaker): Words => {
  switch (reason._tag) {
    case "Expected":
      return { problem: `expected ${reason.expected}` }
    case "Requirement":
      return reason.allowedBy === undefined
        ? { problem: reason.requirement }
        : {
            problem: reason.requirement,
            advice: `Use https, or add ${speaker.on(reason.allowedBy)} if the way there is safe.`
          }
    case "Conflict": {
      const problem = `cannot be combined with ${speaker.name(reason.with)}${reason.because === undefined ? "" : causes[reason.because]}`
      switch (reason.because) {
        case "select leaves out the rest":
          return { problem, advice: `${speaker.name(reason.with)} already leaves out what it does not name.` }
        case "not resumable":
        case "a resumed run replaces nothing":
          return { problem, advice: speaker.withoutState }
        default:
          return { problem, advice: "Remove one of them." }
      }
    }
    case "OnlyWith":
      return { problem: `applies to ${reason.sinks.join(" or ")} only`, advice: "Remove it, or add such a sink." }
    case "OnlyWithOption":
      return { problem: `needs ${speaker.name(reason.other)}`, advice: "Add that, or remove this." }
    case "InOrder": {
      const instead = `Write to a database or a webhook, or remove ${speaker.name({ option: "stretches" })}.`
      return {
        problem: `cannot be used with ${reason.sink}, which has all calls in one order`,
        advice: reason.rotates ? `Add ${speaker.name({ option: "rotate" })}. ${instead}` : instead
      }
    }
    case "Reversed":
      return { problem: `(${reason.until}) is not later than ${speaker.name({ option: "since" })} (${reason.since})` }
    case "TooEarly":
      return { problem: `is before the year ${reason.year}`, advice: "No call is that old: give a later time." }
    case "SkippedDay":
      return {
        problem: `there was no ${reason.date} in ${reason.zone}, whose calendar skipped that day`,
        advice: "Name the day before or after it."
      }
    case "UnknownZone":
      return {
        problem: `there is no time zone ${reason.name === "" ? "without a name" : reason.name}`,
        advice: reason.near === undefined ? `Write ${reason.expected}.` : `Did you mean ${reason.near}?`
      }
    case "UnknownLocalZone":
      return {
        problem: "the time zone of this machine is not known",
        advice: "Name a zone, such as Asia/Kolkata, or set the environment variable TZ to one."
      }
    case "SinkRefused": {
      const problem = `${reason.sink}: ${reason.error.description}`
      const advice = adviceFor(reason.error, { speaker, resumes: false })
      return advice === undefined ? { problem } : { problem, advice }
    }
    case "TableName":
      return { problem: tableNames[reason.problem](reason.name), advice: "Give it another name." }
    case "InText": {
      const { mistake, text } = reason
      const quoted = show(text, mistake)
      const advice = mistake.add === undefined ? mistake.advice : `Add ${speaker.name(mistake.add)}.`
      return advice === undefined ? { problem: mistake.problem, quoted } : { problem: mistake.problem, quoted, advice }
    }
    case "NothingNamed":
      return {
        problem: "nothing is named",
        advice: `Name something, or remove ${option === undefined ? "it" : speaker.name({ option })}.`
      }
    case "NotACallingCode":
      return { problem: `${reason.value} is not a calling code`, advice: "Write the digits alone, such as 1 or 49." }
    default:
      return settingWords(reason, speaker)
  }
}

/** Reasons whose words continue a sentence that begins with the option. */
const continues = new Set<Reason["_tag"]>([
  "Requirement",
  "Conflict",
  "OnlyWith",
  "OnlyWithOption",
  "InOrder",
  "Reversed",
  "TooEarly",
  "NotInSync",
  "NotInFleet",
  "OfFile",
  "NotOverridden"
])

/** Reasons that name what they are about themselves. */
const complete = new Set<Reason["_tag"]>([
  "NoApiKey",
  "NotATerminal",
  "NoPipelineFile",
  "NotDeadLetters",
  "NoPipeline",
  "NoSyncName",
  "NoSuchSync",
  "NoSuchRun",
  "RunDiffers"
])

/** The whole, beginning with the option it is about. */
export const describe = ({ option, reason }: Pick<UsageError, "option" | "reason">, speaker: Speaker): Words => {
  const words = wordsFor(reason, option, speaker)
  if (option === undefined || complete.has(reason._tag)) return words
  const subject = option === "apiKey" ? "the API key" : speaker.name({ option })
  return { ...words, problem: `${subject}${continues.has(reason._tag) ? " " : ": "}${words.problem}` }
}
