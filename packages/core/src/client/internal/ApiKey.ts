/** The key of a client: one for all requests, or the one that is right when a request is made. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { InvalidRequest } from "../../model/AgniError.ts"

/** Reads the key, without white space around it. */
export type ApiKey = Effect.Effect<Redacted.Redacted, InvalidRequest>

const invalid = (requirement: string) => Result.fail(new InvalidRequest({ parameter: "apiKey", requirement }))

const checked = (given: Redacted.Redacted): Result.Result<Redacted.Redacted, InvalidRequest> => {
  const key = Redacted.value(given).trim()
  if (key === "") return invalid("must not be empty")
  return /^[\x21-\x7e]+$/.test(key)
    ? Result.succeed(Redacted.make(key))
    : invalid("holds a character that no key has (a line break, a space, a quote mark?)")
}

/** A fixed key is checked at once, any other when it is read. */
export const make = (
  given: Redacted.Redacted | Effect.Effect<Redacted.Redacted>
): Result.Result<ApiKey, InvalidRequest> =>
  Redacted.isRedacted(given)
    ? Result.map(checked(given), Effect.succeed)
    : Result.succeed(Effect.flatMap(given, (key) => Effect.fromResult(checked(key))))

/** Whether the key is another one by now. */
export const isOther = (apiKey: ApiKey, used: Redacted.Redacted | undefined): Effect.Effect<boolean> =>
  Effect.match(apiKey, {
    onSuccess: (key) => used !== undefined && Redacted.value(key) !== Redacted.value(used),
    onFailure: () => false
  })
