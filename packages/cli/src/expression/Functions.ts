/** The functions of an expression. What a value is not made for has no result, as if the field were missing. */
import { ExactNumber } from "@callstream/core"
import { isContainer, isNumber, isScalar } from "./Compiled.ts"
import type { Type } from "./Fields.ts"
import type { Steps } from "./Steps.ts"

interface OfValue {
  readonly takes: ReadonlyArray<Type>
  readonly gives: Type
  readonly apply: (value: unknown, read: Steps["read"]) => unknown
}

interface OfText {
  readonly arguments: 0 | 1
  readonly gives: Type
  /** How many characters it reads for texts of these lengths, at most. */
  readonly work: (text: number, other: number) => number
  readonly apply: (text: string, other: string) => unknown
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined)

const numberOf = (value: unknown): number | ExactNumber.ExactNumber | undefined =>
  isNumber(value)
    ? value
    : typeof value === "string" && value.trim() !== ""
      ? (ExactNumber.fromText(value) ?? finite(Number(value)))
      : undefined

/** Code points; half a pair counts as one. */
const characters = (text: string): number => {
  let count = text.length
  for (let at = 1; at < text.length; at++) {
    if (isHalf(text, at - 1, 0xd800) && isHalf(text, at, 0xdc00)) {
      count--
      at++
    }
  }
  return count
}

const isHalf = (text: string, at: number, half: number): boolean => (text.charCodeAt(at) & 0xfc00) === half

/** `size(x)`, `double(x)`, … */
export const functions: ReadonlyMap<string, OfValue> = new Map<string, OfValue>([
  [
    "size",
    {
      takes: ["text", "time", "list", "object"],
      gives: "number",
      apply: (value, read) => {
        if (typeof value === "string") return characters(value)
        if (Array.isArray(value)) return value.length
        return isContainer(value) ? keysOf(value, read).length : undefined
      }
    }
  ],
  ["double", { takes: ["text", "number"], gives: "number", apply: numberOf }],
  [
    "int",
    {
      takes: ["text", "number"],
      gives: "number",
      apply: (value) => {
        const number = numberOf(value)
        return typeof number === "object" ? ExactNumber.truncate(number) : number && Math.trunc(number)
      }
    }
  ],
  [
    "string",
    {
      takes: ["text", "number", "bool", "time"],
      gives: "text",
      apply: (value) => (isScalar(value) ? String(value) : undefined)
    }
  ],
  [
    "timestamp",
    { takes: ["text", "time"], gives: "time", apply: (value) => (typeof value === "string" ? value : undefined) }
  ]
])

const shorter = (text: number, other: number) => Math.min(text, other)

/** Engines compare again and again where a long text is looked for in one that nearly holds it many times. */
const product = (text: number, other: number) => text + (text * shorter(text, other)) / 8

/** A call for each run of letters. */
const letters = (text: number) => text * 16

/** `x.startsWith(y)`, `x.lowerAscii()`, … */
export const methods: ReadonlyMap<string, OfText> = new Map<string, OfText>([
  ["startsWith", { arguments: 1, gives: "bool", work: shorter, apply: (text, other) => text.startsWith(other) }],
  ["endsWith", { arguments: 1, gives: "bool", work: shorter, apply: (text, other) => text.endsWith(other) }],
  ["contains", { arguments: 1, gives: "bool", work: product, apply: (text, other) => text.includes(other) }],
  [
    "lowerAscii",
    { arguments: 0, gives: "text", work: letters, apply: (text) => text.replace(/[A-Z]+/g, (l) => l.toLowerCase()) }
  ],
  [
    "upperAscii",
    { arguments: 0, gives: "text", work: letters, apply: (text) => text.replace(/[a-z]+/g, (l) => l.toUpperCase()) }
  ],
  ["trim", { arguments: 0, gives: "text", work: (text) => text * 2, apply: (text) => text.trim() }]
])

/** The keys of an object, listed for each call. */
export const keysOf = (value: object, read: Steps["read"]): ReadonlyArray<string> => {
  const keys = Object.keys(value)
  read(keys.length * 32)
  return keys
}

export const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b
}

export const noPatterns = "Some never finish. Use contains, startsWith, endsWith, or in; join several with ||."
