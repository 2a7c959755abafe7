/** What to do about a sink that failed, by its reason. */
import type { SinkError } from "@callstream/core"
import type { Answer, SinkReason } from "@callstream/core/sink/SinkReason"
import { again, output, type Reader, untrusted } from "./FileAdvice.ts"
import { database, table } from "./SqlAdvice.ts"

const receiverLog = "Read the receiver's log; it should answer 422 to a record that it rejects."

const statuses: Readonly<Record<number, string>> = {
  400: `Check that both sides have the same secret. ${receiverLog}`,
  401: "Check that both sides have the same secret.",
  403: "Check the secret, and what the receiver lets this machine do.",
  404: "Check the address.",
  405: "Check the address: a webhook's receiver takes POST.",
  410: "It wants no more messages: take this target out, or give its new address."
}

const stopped = (answer: Answer, reader: Reader): string => {
  switch (answer._tag) {
    case "Status":
      return statuses[answer.status] ?? receiverLog
    case "Redirect":
      return "Give the address that it redirects to, if you trust it."
    case "ForbiddenAddress":
      return `Check the name's address. ${privateHosts(reader)}`
    case "Certificate":
      return "Replace the certificate, or trust its authority with NODE_EXTRA_CA_CERTS."
    case "Nothing":
    case "Unreachable":
      return "Check that the receiver runs."
  }
}

const privateHosts = ({ speaker }: Reader): string =>
  `Add ${speaker.on("allowPrivateHosts")} if the receiver is on this machine or in a private network.`

const receiverHost = (
  problem: Extract<SinkReason, { readonly _tag: "ReceiverHost" }>["problem"],
  reader: Reader
): string => {
  switch (problem) {
    case "private":
      return privateHosts(reader)
    case "lookup":
      return `Check the network, and ${again(reader)}.`
    case "plainHttp":
      return "Use https."
    case "unknown":
    case "unusable":
      return "Check the host in the address."
  }
}

/** For an environment variable that is not set. */
export const unset = {
  "a URL": "Set it to a URL such as postgres://user:password@host/database?sslmode=verify-full.",
  "a header": "Set it to the value of the header."
} as const

const secretForm = "Write it as whsec_ and the base64 of 24 to 64 random bytes."

/** Nothing where the problem itself says what to do, or no advice is known. */
export const adviceFor = ({ reason }: { readonly reason: SinkReason }, reader: Reader): string | undefined => {
  const { speaker } = reader
  switch (reason._tag) {
    case "Output":
      return output(reason.reason, reader, reason.code)
    case "Untrusted":
      return untrusted(reason.file)
    case "Database":
      return database(reason.failure, reader)
    case "Table":
      return table(reason.problem, reader)
    case "TableGone":
      return "Restore the table, or give the run another name to export everything again."
    case "TableReplaced":
      return "Restore both tables, or give the run another name to export everything again."
    case "KeyColumn":
      return `Give that column another name with ${speaker.name({ option: "select" })}, or leave it out.`
    case "ReceiverHost":
      return receiverHost(reason.problem, reader)
    case "ReceiverAddress":
      return reason.problem === "plainHttp" ? privateHosts(reader) : undefined
    case "Secret":
      return secretForm
    case "Header":
      return reason.problem === "reserved" ? "Remove it." : "Write NAME=VARIABLE, such as Authorization=CRM_TOKEN."
    case "Stopped":
      return stopped(reason.answer, reader)
    case "GaveUp":
      return reason.kept
        ? "Run it again when the receiver is back: what waits is kept, and is sent first."
        : "Run it again when the receiver is back: what it took already comes again under the same ids."
    case "Spool":
      return `Make room or give another folder, and ${again(reader)}: nothing that was sent is lost.`
    case "OtherColumns":
      return "Continue with the same columns, or delete the checkpoint and begin again."
    case "OtherCheckpoint":
      return "Write to what it was kept for, or delete the checkpoint to begin again."
    case "NoSuchFile":
      return "Name the dead-letter file that the summary of the run named."
    case "ReaderLeft":
      return `Let it read to the end, or add ${speaker.name({ option: "onSinkFailure", value: "continue" })}.`
    case "Fenced":
      return "Let that run finish. If there is none, set the clock of this machine, or give this run another name."
    case "OneStretch":
      return `Write to a database or a webhook, or remove ${speaker.name({ option: "stretches" })}.`
    case "OneProcess":
      return "Write to a database that all workers reach, to a webhook, or to many objects in a bucket, or run the pipeline on one machine."
    case "NoSync":
      return "Sync into a database, such as sqlite:calls.db, and export from there."
    case "NotPositive":
    case "Address":
    case "RowsRefused":
    case "LettersRefused":
    case "SameName":
    case "Other":
      return undefined
  }
}

/** A reader that has seen enough (`| head`) is no failure. */
export const isClosedPipe = ({ operation, reason }: SinkError): boolean =>
  operation !== "open" && reason._tag === "Output" && reason.code === "EPIPE"
