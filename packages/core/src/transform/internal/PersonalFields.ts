/** The fields of a call: to which class of personal data each belongs, and how far its text is looked into. */
export const classes = ["phone", "email", "name", "recording", "freeText"] as const

export type Class = (typeof classes)[number]

/**
 * How far text is looked into, besides for what the record itself is about: all of `any`; in a `url` only a `+` marks
 * a phone number, because it is full of digits that are none; in a `token`, such as an id or a state, further only a plain
 * `@` an address; in a `figure` nothing, as long as it is a time or a decimal.
 */
export type Depth = "any" | "url" | "token" | "figure"

/** The rules for a value that follow from its position. */
export interface Place {
  readonly depth: Depth
  /** Every text here is free text. */
  readonly free: boolean
  /** The class that all text here belongs to, because of its field or of the key above it. */
  readonly whole: Class | undefined
}

const at = (depth: Depth, whole?: Class): Place => ({ depth, whole, free: false })

const any = at("any")
const token = at("token")
const figure = at("figure")

/** By the name of the field. */
export const places: ReadonlyMap<string, Place> = new Map(
  Object.entries({
    id: token,
    agentId: token,
    organizationId: token,
    roomId: token,
    callerNumber: at("any", "phone"),
    calleeNumber: at("any", "phone"),
    customerNumber: at("any", "phone"),
    callerName: at("any", "name"),
    callerEmail: at("any", "email"),
    channel: token,
    status: token,
    summary: at("any", "freeText"),
    errorMessage: at("any", "freeText"),
    disconnectReason: token,
    startedAt: figure,
    endedAt: figure,
    createdAt: figure,
    startedDate: figure,
    recordingUrl: at("url", "recording"),
    costTotal: figure,
    agentName: any,
    creditBreakdown: any,
    direction: token,
    durationSec: figure,
    callLatencyMs: figure,
    cost: figure
  })
)

/** Of fields that the API may add, and of values outside a call. */
export const elsewhere: Place = { depth: "any", whole: undefined, free: true }

const decimal = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/

export const isDecimal = (text: string): boolean => decimal.test(text)

/** Times as the endpoint and Go write them, and decimals. */
export const isFigure = (text: string): boolean =>
  isDecimal(text) ||
  /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|UTC|[-+]\d\d:?\d\d))*(?: m=[-+]?[\d.]+)?)?$/.test(
    text
  )
