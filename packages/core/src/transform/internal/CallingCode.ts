/**
 * Dialling prefixes by calling code, international and national. From the metadata of
 * libphonenumber 9, which has it from the ITU's Operational Bulletin and the numbering plans; a test compares the two.
 */

/**
 * By calling code, where it is not `00`; a code of a carrier may belong to it. Where one only may follow, as in Hong Kong,
 * `001…` counts as the United States.
 */
const exits: ReadonlyMap<string, RegExp> = new Map(
  (
    [
      ["1 692", "011"],
      ["7 375 992 993", "810"],
      ["53", "119"],
      ["238 685", "0"],
      ["51", "00|19(?:1[124]|77|90)00"],
      ["52", "0[09]"],
      ["55", "00(?:1[245]|2[1-35]|31|4[13]|[56]5|99)"],
      ["56", "(?:0|1(?:1[0-69]|2[02-5]|5[13-58]|69|7[0167]|8[018]))0"],
      ["57", "00(?:4(?:[14]4|56)|[579])"],
      ["61", "001[14-689]|14(?:1[14]|34|4[17]|[56]6|7[47]|88)0011"],
      ["62", "00[89]"],
      ["64", "0(?:0|161)"],
      ["65", "0[0-3]\\d"],
      ["66", "00[1-9]"],
      ["81", "010"],
      ["82", "00(?:[125689]|3(?:[46]5|91)|7(?:00|27|3|55|6[126]))"],
      ["86", "00|1(?:[12]\\d|79)\\d\\d00"],
      ["230", "0(?:0|[24-7]0|3[03])"],
      ["234", "009"],
      ["235", "00|16"],
      ["248", "010|0[0-2]"],
      ["254", "000"],
      ["255", "00[056]"],
      ["256", "00[057]"],
      ["354", "00|1(?:0(?:01|[12]0)|100)"],
      ["358", "00|99(?:[01469]|5(?:[14]1|3[23]|5[59]|77|88|9[09]))"],
      ["386", "00|10(?:22|66|88|99)"],
      ["592 976", "001"],
      ["598", "0(?:0|1[3-9]\\d)"],
      ["675", "00|140[1-3]"],
      ["677", "0[01]"],
      ["679", "0(?:0|52)"],
      ["680", "01[12]"],
      ["850", "00|99"],
      ["855", "00[14-9]"],
      ["886", "0(?:0[25-79]|19)"],
      ["960", "0(?:0|19)"],
      ["972", "0(?:0|1(?:05|[2-9]))"]
    ] as const
  ).flatMap(([codes, exit]) => codes.split(" ").map((code) => [code, new RegExp(`^(?:${exit})(?=[1-9])`)] as const))
)

const byDefault = /^00(?=[1-9])/

/**
 * Where a 0 is dialled before national numbers, and belongs to none. Elsewhere one begins with what it begins with: in
 * Italy (39) the 0 of `06 5685 1242` is a part of the number.
 */
const zero =
  "20 27 31 32 33 40 41 43 44 46 49 51 53 54 55 57 58 60 61 62 63 64 66 81 82 84 86 90 91 92 93 94 95 98 211 212 213 218 231 232 233 234 243 249 250 251 252 254 255 256 260 261 262 263 264 265 291 353 355 358 359 373 374 377 380 381 382 383 385 386 387 389 421 423 508 590 591 593 594 595 596 598 686 850 855 856 880 886 961 962 963 964 966 967 970 971 972 976 977 994 995 996"

interface Trunk {
  readonly prefix: RegExp
  /** With so many digits, or more, a number holds the prefix. */
  readonly from: number
}

const trunks: ReadonlyMap<string, Trunk> = new Map<string, Trunk>([
  ...zero.split(" ").map((code): [string, Trunk] => [code, { prefix: /^0/, from: 0 }]),
  ["1", { prefix: /^1/, from: 11 }],
  ["7", { prefix: /^8/, from: 11 }],
  ["36", { prefix: /^06/, from: 0 }],
  ["370", { prefix: /^[08]/, from: 9 }],
  ["375", { prefix: /^80?/, from: 10 }],
  ["692", { prefix: /^1/, from: 8 }],
  ["993", { prefix: /^8/, from: 9 }]
])

const codes = new Set(
  "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98".split(
    " "
  )
)

/** No code begins with another: those of three digits are all that are not of one or two. */
const codeOf = (digits: string): string =>
  codes.has(digits.slice(0, 1))
    ? digits.slice(0, 1)
    : codes.has(digits.slice(0, 2))
      ? digits.slice(0, 2)
      : digits.slice(0, 3)

const withoutTrunk = (digits: string, code: string): string => {
  const trunk = trunks.get(code)
  return trunk === undefined || digits.length < trunk.from ? digits : digits.replace(trunk.prefix, "")
}

/** `+49 030 …` is `+49 30 …` too. */
export const international = (given: string): string => {
  const digits = given.replace(/^0+/, "")
  const code = codeOf(digits)
  return `+${code}${withoutTrunk(digits.slice(code.length), code)}`
}

/** What follows the prefix that leads out of the country; `undefined` where there is none. */
export const withoutExit = (digits: string, callingCode: string | undefined): string | undefined => {
  for (const exit of [callingCode === undefined ? undefined : exits.get(callingCode), byDefault]) {
    const prefix = exit?.exec(digits)?.[0]
    if (prefix !== undefined && digits.length - prefix.length >= 7) return digits.slice(prefix.length)
  }
  return undefined
}

/** The most digits of a national number, where that is fewer than ten: one with more begins with its calling code. */
const longest: ReadonlyMap<string, number> = new Map(
  (
    [
      [5, "290 500 682"],
      [6, "247 298 299 672 687"],
      [7, "238 239 246 248 269 291 297 592 597 673 674 676 677 678 680 683 688 690 691 692"],
      [
        8,
        "45 47 216 222 223 226 227 228 232 235 236 241 253 257 266 350 356 357 370 371 373 374 386 389 505 509 599 670 675 686 853 961 965 973 975 993"
      ],
      [
        9,
        "32 33 34 36 40 51 93 94 211 212 213 218 220 221 224 231 233 237 240 242 244 245 249 250 251 252 255 256 258 260 261 262 264 265 268 351 354 355 376 377 382 385 387 421 423 508 590 591 594 596 681 689 962 963 967 968 992 994 995 998"
      ]
    ] as const
  ).flatMap(([digits, codes]) => codes.split(" ").map((code) => [code, digits] as const))
)

/** A number as it is dialled in the country with this calling code. */
export const national = (digits: string, callingCode: string): string =>
  // With its country, only the `+` left out.
  digits.startsWith(callingCode) && digits.length > (longest.get(callingCode) ?? 10)
    ? international(digits)
    : `+${callingCode}${withoutTrunk(digits, callingCode)}`
