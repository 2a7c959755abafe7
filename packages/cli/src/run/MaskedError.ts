/** Error messages without numbers, addresses and the caller's name. */
import { type CallSession, Transform } from "@callstream/core"

const masking = Transform.redact(Transform.identity<object>(), {
  phone: "mask",
  email: "mask",
  name: "mask",
  recording: "mask"
})

/** Ids and long numbers would make a text of its own of each call's error. */
const longNumbers = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\d{5,}/gi

/** Longer texts are cut. */
const longest = 120

export const of = (session: CallSession.CallSession): string | undefined => {
  const { calleeNumber, callerEmail, callerName, callerNumber, errorMessage } = session
  if (typeof errorMessage !== "string" || errorMessage.trim() === "") return undefined
  const row: object = masking.apply({ calleeNumber, callerEmail, callerName, callerNumber, errorMessage }) ?? {}
  return "errorMessage" in row && typeof row.errorMessage === "string"
    ? row.errorMessage.replace(longNumbers, "…").slice(0, longest)
    : undefined
}
