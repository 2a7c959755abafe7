/** The functions of an expression. What a value is not made for has no result, as if the field were missing. */
import { ExactNumber } from "@callstream/core"
import { isContainer, isNumber, isScalar } from "./Compiled.ts"
import type { Type } from "./Fields.ts"

interface OfValue {
  readonly takes: ReadonlyArray<Type>
  readonly gives: Type
  readonly apply: (value: unknown) => unknown
}

interface OfText {
  readonly arguments: 0 | 1
  readonly gives: Type
  readonly apply: (text: string, other: string) => unknown
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined)

const numberOf = (value: unknown): number | ExactNumber.ExactNumber | undefined =>
  isNumber(value)
    ? value
    : typeof value === "string" && value.trim() !== ""
      ? (ExactNumber.fromText(value) ?? finite(Number(value)))
      : undefined

/** `size(x)`, `double(x)`, … */
export const functions: ReadonlyMap<string, OfValue> = new Map<string, OfValue>([
  [
    "size",
    {
      takes: ["text", "time", "list", "object"],
      gives: "number",
      apply: (value) =>
        typeof value === "string"
          ? Array.from(value).length
          : isContainer(value)
            ? Object.keys(value).length
            : undefined
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

/** `x.startsWith(y)`, `x.lowerAscii()`, … */
export const methods: ReadonlyMap<string, OfText> = new Map<string, OfText>([
  ["startsWith", { arguments: 1, gives: "bool", apply: (text, other) => text.startsWith(other) }],
  ["endsWith", { arguments: 1, gives: "bool", apply: (text, other) => text.endsWith(other) }],
  ["contains", { arguments: 1, gives: "bool", apply: (text, other) => text.includes(other) }],
  ["lowerAscii", { arguments: 0, gives: "text", apply: (text) => text.replace(/[A-Z]+/g, (l) => l.toLowerCase()) }],
  ["upperAscii", { arguments: 0, gives: "text", apply: (text) => text.replace(/[a-z]+/g, (l) => l.toUpperCase()) }],
  ["trim", { arguments: 0, gives: "text", apply: (text) => text.trim() }]
])
