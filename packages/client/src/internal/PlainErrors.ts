/** The errors of core as those of the client. */
import { AgniError as CoreAgniError, AgniErrorReason } from "@callstream/core/model/AgniError"
import { LedgerError as CoreLedgerError } from "@callstream/core/sync/LedgerError"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { AgniError, LedgerError } from "../ClientErrors.ts"

const encodeReason = Schema.encodeSync(AgniErrorReason)

export const ofAgni = (error: CoreAgniError): AgniError =>
  new AgniError({
    message: error.message,
    reason: { ...encodeReason(error.reason), message: error.reason.message },
    request: error.request,
    attempts: error.attempts,
    elapsed: Duration.toMillis(error.elapsed),
    retryable: error.retryable,
    ...(error.alone === undefined ? {} : { alone: error.alone })
  })

const ledgerReason = ({ reason }: CoreLedgerError): LedgerError["reason"] => {
  switch (reason._tag) {
    case "Store":
      return reason.reason._tag === "Held" ? "Held" : "Store"
    case "OfExport":
      return "Store"
    case "Different":
    case "Newer":
    case "OtherOrganization":
    case "Torn":
      return reason._tag
  }
}

const ledgerMessage = (error: CoreLedgerError): string =>
  error.reason._tag === "Torn"
    ? `${error.message}. Set restart: true for one loop: it delivers every call again.`
    : error.message

/** Anything else, such as what a callback threw, comes out as it is. */
export const of = (error: unknown): unknown =>
  error instanceof CoreAgniError
    ? ofAgni(error)
    : error instanceof CoreLedgerError
      ? new LedgerError(ledgerReason(error), ledgerMessage(error))
      : error
