/** Reasons of a `SinkError` as plain words, for code and logs: what happened, and no advice. */
import * as Duration from "effect/Duration"
import * as SqlFailure from "../../platform/SqlFailure.ts"
import { describe as describeOutput, shortened } from "../OutputReason.ts"
import { hostProblems } from "../webhook/WebhookAddress.ts"
import type { Answer, SecretProblem, SinkReason, TableProblem } from "../SinkReason.ts"

/** In one sentence without a capital and a full stop; `sink` is not named again. */
export const describe = (reason: SinkReason, sink: string): string => {
  switch (reason._tag) {
    case "Output": {
      const { code, target } = reason
      const what = describeOutput(reason.reason, code)
      return target === sink ? what : `${shortened(target)}: ${what}`
    }
    case "Untrusted":
      return reason.file.path === sink ? `it ${reason.file.predicate}` : reason.file.message
    case "Database":
      return SqlFailure.describe(reason.failure)
    case "Table":
      return table(reason.problem)
    case "TableGone":
      return "the table is gone since the run finished"
    case "TableReplaced":
      return `the table is not the one that the finished run filled: ${reason.commits} beside it does not name the run`
    case "KeyColumn":
      return `the column ${reason.column} of the rows is not the call's id, and the table's key is called so`
    case "Address":
      return reason.problem
    case "ReceiverHost":
      return `the receiver cannot be sent to: ${hostProblems[reason.problem]}${reason.detail === undefined ? "" : ` (${reason.detail})`}`
    case "ReceiverAddress":
      return addresses[reason.problem]
    case "Secret":
      return secret(reason.problem)
    case "Header":
      return headers[reason.problem](reason.header)
    case "NotPositive":
      return `${reason.option} is no positive whole number`
    case "Stopped":
      return `the receiver ${answered(reason.answer)}`
    case "GaveUp":
      return `the receiver ${answered(reason.answer)}, and did not take a message within ${Duration.format(reason.after)}`
    case "Spool":
      return `messages cannot be kept in ${reason.folder} before they are sent${reason.code === undefined ? "" : ` (${reason.code})`}`
    case "RowsRefused":
      return `${reason.count} ${reason.count === 1 ? "row was" : "rows were"} refused: ${reason.reasons.join("; ")}`
    case "LettersRefused":
      return `${reason.count} of ${reason.of} dead letters were refused: ${reason.reason}`
    case "OtherColumns":
      return reason.than === "the first batch"
        ? "a batch has other columns than the first one had"
        : "the rows have other columns than the file that an earlier run began"
    case "OtherCheckpoint":
      return "the checkpoint does not say where this file ended: it was kept for another kind of output"
    case "NoSuchFile":
      return "there is no such file"
    case "ReaderLeft":
      return "its reader went away, and the other sinks have not got everything"
    case "SameName":
      return "two sinks of the pipeline have this name"
    case "Fenced":
      return "another run took over"
    case "OneStretch":
      return "its rows are in order, so stretches cannot be written to it in parallel"
    case "OneProcess":
      return "only one process can write to it, so the stretches of several processes cannot"
    case "NoSync":
      return "a sync cannot keep it up to date, because no call can be taken out of it"
    case "Other":
      return reason.description
  }
}

const headers: Readonly<Record<"name" | "reserved" | "value", (name: string) => string>> = {
  name: (name) => `${name} is no name of a header`,
  reserved: (name) => `the header ${name} is set by the sink itself`,
  value: (name) => `the value of the header ${name} has characters that no header may have, or is empty`
}

const addresses = {
  notAUrl: "the address is no URL",
  notHttps: "the address is no https URL",
  plainHttp: "the address is plain http, which is for private hosts only, and those are not allowed"
} as const

const table = (problem: TableProblem): string => {
  switch (problem._tag) {
    case "NoSearchPath":
      return "the search path of this user names no schema"
    case "NoSchema":
      return `there is no schema ${problem.schema}`
    case "MayNotUseSchema":
      return `no permission to use the schema ${problem.schema}`
    case "MayNotMake":
      return `no permission to make the table ${problem.schema}.${problem.table}`
    case "MayNotWrite":
      return `no permission to write to ${problem.schema}.${problem.table}`
    case "NoEpoch":
      return `${problem.table} has no column epoch, and this user may not add it`
    case "NotATable":
      return `${problem.table} is no table`
    case "NoKey":
      return `${problem.table} has no primary key`
    case "WideKey":
      return `${problem.table} has a primary key of ${problem.columns} columns`
    case "Generated":
      return `${problem.table} has a column ${problem.column} that the database fills in itself`
    case "OtherType":
      return `${problem.table} has a column ${problem.column} of type ${problem.has === "" ? "(none)" : problem.has}, and ${problem.needs} is needed`
    case "Required":
      return `${problem.table} has a column ${problem.column} that must not be empty, and no call has anything for it`
  }
}

const secret = (problem: SecretProblem): string => {
  if (problem._tag === "Empty") return "the webhook secret is empty"
  const which = problem.of === 1 ? "the webhook secret" : `webhook secret ${problem.at} of ${problem.of}`
  switch (problem._tag) {
    case "NoPrefix":
      return `${which} does not begin with whsec_`
    case "NotBase64":
      return `${which} is no base64 after whsec_`
    case "Length":
      return `${which} has ${problem.bytes} bytes`
  }
}

const statuses: Readonly<Record<number, string>> = {
  400: ", a bad request",
  401: ", not signed as it expects",
  403: ", not allowed",
  404: ", nothing there",
  405: ", no POST there",
  410: ", gone permanently"
}

/** What the receiver did, as a predicate. */
export const answered = (answer: Answer): string => {
  switch (answer._tag) {
    case "Status":
      return `answered ${answer.status}${statuses[answer.status] ?? ""}`
    case "Redirect":
      return `answered with a redirect${answer.status === undefined ? "" : ` (${answer.status})`}, and none is followed`
    case "Nothing":
      return `did not answer${answer.within === undefined ? "" : ` within ${Duration.toSeconds(answer.within)} s`}`
    case "Unreachable":
      return `could not be reached${answer.code === undefined ? "" : ` (${answer.code})`}`
    case "ForbiddenAddress":
      return "now has an address that may not be sent to"
    case "Certificate":
      return `has a certificate that cannot be trusted (${answer.code})`
  }
}
