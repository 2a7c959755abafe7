/** Headers that a receiver wants besides the signature. */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

/** The sink sets them itself, or the transport does. */
const reserved =
  /^(webhook-.*|idempotency-key|content-(?:type|length|encoding)|host|connection|transfer-encoding|expect|upgrade|te|trailer|keep-alive|proxy-.*)$/i

const token = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/
/** Visible characters, and spaces between them. */
const content = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/

interface Problem {
  readonly header: string
  readonly problem: "name" | "reserved" | "value"
}

type Headers = Readonly<Record<string, Redacted.Redacted>>

/** The same headers, or the first mistake; never a value. */
export const check = (headers: Headers): Result.Result<Headers, Problem> => {
  for (const [header, value] of Object.entries(headers)) {
    if (!token.test(header)) return Result.fail({ header, problem: "name" })
    if (reserved.test(header)) return Result.fail({ header, problem: "reserved" })
    if (!content.test(Redacted.value(value))) return Result.fail({ header, problem: "value" })
  }
  return Result.succeed(headers)
}

/** As they are sent. */
export const reveal = (headers: Headers): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), Redacted.value(value)]))
