/** The texts of answers: the envelope in either edition, and errors as the vendor and its proxy write them. */
import type { Resolved } from "./ResolvedOptions.ts"

/** An error as the gateway writes it; the code is gRPC's. */
export const gatewayError = (code: number, message: string): string =>
  `{"code":${code},"message":${JSON.stringify(message)},"details":[]}`

export const unauthorized = gatewayError(16, "API key is missing or invalid")

export const forbidden = `{"success":false,"message":"Your plan does not include API access","error":{"code":"FORBIDDEN","message":"Your plan does not include API access"}}`

export const unsuccessful = `{"success":false,"message":"could not list call sessions","data":{}}`

/** A second of a quiet tone that is the call's own, as a WAV file of 8 bits. All of its bytes are ASCII. */
export const recording = (id: string): string => {
  const little = (value: number, bytes: number) =>
    Array.from({ length: bytes }, (_, at) => String.fromCharCode((value >> (8 * at)) & 0xff)).join("")
  const rate = 8000
  const wave = Array.from(id, (letter) => String.fromCharCode(0x70 + (letter.charCodeAt(0) & 0x0f))).join("")
  const sound = wave
    .padEnd(40, "\u007f")
    .repeat(rate / 40)
    .slice(0, rate)
  const format = `fmt ${little(16, 4)}${little(1, 2)}${little(1, 2)}${little(rate, 4)}${little(rate, 4)}${little(1, 2)}${little(8, 2)}`
  return `RIFF${little(36 + rate, 4)}WAVE${format}data${little(rate, 4)}${sound}`
}

export const notFound = "404 page not found\n"

export const errorPage = (status: number): string =>
  `<html>\r\n<head><title>${status} Error</title></head>\r\n<body>\r\n<center><h1>${status} Error</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`

/** gRPC codes of HTTP statuses. */
const codes: Readonly<Record<number, readonly [number, string]>> = {
  400: [3, "invalid argument"],
  401: [16, "API key is missing or invalid"],
  403: [7, "permission denied"],
  408: [1, "request timed out"],
  409: [10, "aborted"],
  429: [8, "too many requests"],
  500: [13, "internal error"],
  501: [12, "unimplemented"],
  503: [14, "service unavailable"],
  504: [4, "deadline exceeded"]
}

export const statusError = (status: number): string => {
  if (status === 401) return unauthorized
  if (status === 403) return forbidden
  const [code, message] = codes[status] ?? [2, "unknown error"]
  return gatewayError(code, message)
}

/** A list of records, given as joined JSON texts. */
export const envelope = (options: Resolved, records: string, total: number, limit: number, offset: number): string => {
  const empty = records === ""
  const list = empty && options.emptyList === "null" ? "null" : `[${records}]`
  const absent = empty && options.emptyList === "absent"
  const opening = `{"success":true,"message":"Call sessions retrieved successfully"`
  if (options.edition === "camel") return `${opening},"data":{${absent ? "" : `"callSessions":${list}`}}}`
  const count =
    options.metaTotal === "absent" ? "" : `"total":${options.metaTotal === "string" ? `"${total}"` : total},`
  return `${opening}${absent ? "" : `,"data":${list}`},"meta":{${count}"limit":${limit},"offset":${offset}}}`
}
