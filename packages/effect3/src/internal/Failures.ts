/** The errors of the bridge as those of this package. Anything else, such as what a callback died of, is a defect. */
import * as Bridge from "@callstream/client/bridge"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AgniError, AgniErrorReason } from "../AgniError.ts"
import { LedgerError } from "../LedgerError.ts"

const decodeReason = Schema.decodeUnknownSync(AgniErrorReason)

export const ofPlain = ({ alone, attempts, elapsed, reason, request }: Bridge.AgniFailure): AgniError =>
  new AgniError({
    reason: decodeReason(reason),
    request,
    attempts,
    elapsed: Duration.millis(elapsed),
    ...(alone === undefined ? {} : { alone })
  })

/** What a client fails with. */
export const ofClient = (error: unknown): Effect.Effect<never, AgniError> =>
  error instanceof Bridge.AgniError ? Effect.fail(ofPlain(error)) : Effect.die(error)

/** What a ledger fails with. */
export const ofLedger = (error: unknown): Effect.Effect<never, LedgerError> =>
  error instanceof Bridge.LedgerError
    ? Effect.fail(new LedgerError({ reason: { _tag: error.reason }, message: error.message }))
    : Effect.die(error)

/** What a stream of changes fails with. */
export const ofSync = (error: unknown): Effect.Effect<never, AgniError | LedgerError> =>
  error instanceof Bridge.LedgerError ? ofLedger(error) : ofClient(error)
