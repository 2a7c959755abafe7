/** What of an address is a number, and one notation for all in which a number is written. */
import * as CallingCode from "./CallingCode.ts"
import * as Phones from "../../model/internal/Phones.ts"

const onlyDigits = /^\+?[\d ()-]*$/
const angled = /<([^<>]*)>/
const scheme = /^\s*[a-z][a-z\d+.-]{1,20}:/i
const context = /;phone-context=(\+[\d().-]+)/i
/** Extensions, dialled after the number: `;ext=5`, `ext. 5`, `x5`, `доб. 5`, `#5`, `,,5`. */
const extension =
  /;.*$|(?<=(?:\p{Nd}\P{Nd}*){7})\s*(?:[,#~]+|(?:e?xt(?:n|ensi[oó]n)?|x|int(?:ern(?:al)?)?|anexo|доб(?:авочный)?)(?!\p{L})[.:\s]*)\p{Nd}{1,9}\P{Nd}*$/isu

/**
 * The number in what a system of telephones gives for one: the user part of a SIP address, the number of a `tel:` URI;
 * without an extension.
 */
export const userPart = (given: string): string => {
  if (onlyDigits.test(given)) return given
  const inner = angled.exec(given)?.[1] ?? given
  const unescaped = inner.replace(/%(?:25)*([2-7][\dA-Fa-f])/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16))
  )
  const bare = unescaped.replace(scheme, "")
  const [user = ""] = bare.split("@")
  const number = user.replace(extension, "")
  const prefix = context.exec(bare)?.[1]
  return prefix === undefined || Phones.startsWithPlus.test(number.trim()) ? number : `${prefix}${number}`
}

/**
 * The same for each way to write one number: `+` and its digits. One without a `+` or what is dialled to get out of the
 * country is of the country with this calling code; without a code it stays the digits that were dialled.
 */
export const normalize = (phone: string, callingCode: string | undefined): string => {
  // `+49 (0)30 …`: the bracket says what is dialled inside the country.
  const written = userPart(phone)
    .trim()
    .replace(/^[(\uff08]/, "")
    .replace(/(?<=\d\s*)\(0\)/, "")
  const plus = Phones.startsWithPlus.exec(written)?.[0] ?? ""
  const digits = Phones.digitsOf(written.slice(plus.length))
  if (plus !== "") return CallingCode.international(digits)
  const abroad = CallingCode.withoutExit(digits, callingCode)
  if (abroad !== undefined) return CallingCode.international(abroad)
  return callingCode === undefined || digits.length < 4 ? digits : CallingCode.national(digits, callingCode)
}
