/** What people are called, say and configure: the texts of a record, in many scripts. */
import { hash, unit } from "./Random.ts"

const plainNames = [
  "Asha Rao",
  "John Miller",
  "Maria Lopez",
  "Chen Wei",
  "Emma Brown",
  "Ravi Kumar",
  "Sara Novak",
  "Tom Baker"
]
const variedNames = [
  ...plainNames,
  "आशा राव",
  "José Núñez",
  "Zoë Brontë-O'Neill",
  "محمد الأحمد",
  "李小龍",
  "佐藤 花子",
  "김민준",
  "Ольга Иванова",
  "Γιώργος Παπαδόπουλος",
  "தமிழ்ச்செல்வி",
  "Nguyễn Thị Ánh",
  "Ç. Öğütçü",
  "Renée 👩🏽‍💻",
  "שרה כהן"
]
const plainAgents = ["Front Desk", "Sales Qualifier", "Support", "Appointment Setter", "Collections"]
const variedAgents = [
  ...plainAgents,
  "Réception – Zürich",
  "बिक्री सहायक",
  "予約アシスタント",
  'Support "Tier 1"',
  "مساعد المبيعات"
]

const plainSummaries = [
  "The caller asked about opening hours and was given them.",
  "Booked an appointment for Tuesday at 10 am.",
  "The caller wanted a refund; a ticket was opened.",
  "No response from the callee after the greeting.",
  "Qualified lead: budget confirmed, wants a demo next week."
]
const variedSummaries = [
  ...plainSummaries,
  'Caller: "I never got my parcel."\nAgent: apologised, opened a ticket.\n\nNext step: call back.',
  "ग्राहक ने खाते की शेष राशि पूछी। उन्हें ₹ 12,450 बताया गया।",
  "سأل المتصل عن حالة الطلب، وتم تحويله إلى قسم الدعم.",
  "お客様は予約を 3 月 5 日に変更しました。😀",
  "Клиент просит перезвонить после 18:00; интерес – высокий.",
  "Path C:\\temp\\new, tab\there, a comma, a ; and = signs: =SUM(A1:A2)",
  "Line one\r\nLine two\u2028Line three",
  "Überraschung: “Ça va?” — 10 € / 20 % <b>off</b> & more 👩‍👩‍👧"
]
const hostileSummaries = [
  ...variedSummaries,
  "half a pair: \ud83d and on",
  "nul\u0000byte",
  "\ufeffmark\u202eright to left",
  "x".repeat(20_000),
  "  ",
  '"',
  "\\"
]

const prefixes = ["+91", "+1415", "+44", "+4930", "+86", "+7", "+971"]

export type Level = "minimal" | "plain" | "varied" | "hostile"

const isPlain = (level: Level): boolean => level === "plain" || level === "minimal"

const choose = <A>(from: ReadonlyArray<A>, seed: number, salt: number, index: number): A | undefined =>
  from[hash(seed, salt, index) % from.length]

/** An E.164 number. */
export const phone = (seed: number, salt: number, index: number): string => {
  const prefix = choose(prefixes, seed, salt, index) ?? "+1"
  const digits = String(hash(seed, salt + 1, index)).padStart(10, "7")
  return prefix + digits.slice(0, Math.min(10, 14 - prefix.length))
}

export const personName = (level: Level, seed: number, index: number): string =>
  choose(isPlain(level) ? plainNames : variedNames, seed, 40, index) ?? ""

export const agentName = (level: Level, index: number): string => {
  const names = isPlain(level) ? plainAgents : variedAgents
  const name = names[index % names.length] ?? ""
  return index < names.length ? name : `${name} ${1 + Math.floor(index / names.length)}`
}

export const email = (seed: number, index: number): string => {
  const name = choose(plainNames, seed, 41, index) ?? ""
  return `${name.toLowerCase().replace(" ", ".")}${hash(seed, 42, index) % 1000}@example.com`
}

export const summary = (level: Level, seed: number, index: number): string =>
  choose(isPlain(level) ? plainSummaries : level === "varied" ? variedSummaries : hostileSummaries, seed, 43, index) ??
  ""

const member = (key: string, value: unknown): string => `${JSON.stringify(key)}:${JSON.stringify(value)}`

/** As text, because an object literal can't hold a key named `__proto__`. */
export const metadata = (level: Level, seed: number, index: number): string => {
  const members = [
    member("campaignId", `cmp_${hash(seed, 44, index) % 50}`),
    member("attempt", 1 + (hash(seed, 45, index) % 3)),
    member("crm", { id: hash(seed, 46, index), owner: { team: "emea", tags: ["warm", "2026"] } })
  ]
  if (level !== "plain") {
    const kind = hash(seed, 47, index) % 8
    if (kind === 0) members.push(member("Lead Source", "web form"), member("utm.source", 'news"letter'))
    if (kind === 1) members.push(member("snake_case_key", { camelCaseKey: null, ключ: "значение" }))
    if (kind === 2) members.push(member("", ""), member("agent_id", "the customer's own"))
    if (kind === 3) members.push(`"big":12345678901234567890`, member("ratio", 0.1), member("list", [1, [2, [3]]]))
  }
  if (level === "hostile") {
    const kind = hash(seed, 48, index) % 4
    if (kind === 0) members.push(`"__proto__":{"polluted":true}`)
    if (kind === 1) members.push(`"constructor":{"prototype":{"polluted":true}}`, `"toString":"x"`)
    if (kind === 2) members.push(`"deep":${"[".repeat(64)}${"]".repeat(64)}`)
    if (kind === 3) members.push(`"exact":1.10`, `"escaped":"\\u00e9\\/\\ud83d"`)
  }
  return `{${members.join(",")}}`
}

export const promptVariables = (level: Level, seed: number, index: number): string =>
  `{${member("customer_name", personName(level, seed, index))},${member("Plan Name", "Gold")},${member(
    "dueAmount",
    `${hash(seed, 49, index) % 1000}.50`
  )}}`

export const extracted = (seed: number, index: number): string =>
  JSON.stringify({
    appointment_date: `2026-0${1 + (hash(seed, 50, index) % 9)}-1${hash(seed, 51, index) % 10}`,
    "call.back": unit(seed, 52, index) < 0.5,
    party: hash(seed, 53, index) % 6
  })

const sentiments = ["Positive", "Neutral", "Negative"]

/** Flat for some customers, wrapped with a type for others. */
export const analysis = (level: Level, seed: number, index: number): string => {
  const sentiment = choose(sentiments, seed, 54, index)
  const score = (hash(seed, 55, index) % 101) / 100
  const wrapped = hash(seed, 56, index) % 2 === 0
  const wrap = (type: string, value: unknown): unknown => (wrapped ? { type, value } : value)
  const members = [
    member("sentiment", wrap("enum", sentiment)),
    member("Lead Score", wrap("number", score)),
    member("follow.up", wrap("boolean", score > 0.5))
  ]
  if (!isPlain(level)) members.push(member("Zusammenfassung", wrap("string", summary(level, seed, index))))
  return `{${members.join(",")}}`
}

const reasons = ["user_hangup", "customer_hangup", "agent_hangup", "caller_hangup", "timeout"]

export const disconnectReason = (seed: number, index: number): string => choose(reasons, seed, 57, index) ?? "timeout"
