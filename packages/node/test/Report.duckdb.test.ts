/** The figures of a report are those of DuckDB over the same calls. */
import {
  Bill,
  Calendar,
  type CallSession,
  Distribution,
  Instant,
  Money,
  Outcome,
  Report,
  type Totals
} from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { dice } from "../../core/test/transform/Records.ts"
import * as Duck from "./Duck.ts"

const seed = Date.now() % 1_000_000
const zone = "America/St_Johns"
/** Over the end of summer time, so that one day has 25 hours. */
const from = "2026-10-25T02:30:00Z"
const to = "2026-11-08T14:00:00Z"

const statuses = [
  "completed",
  "Completed",
  "ended",
  "no_answer",
  "no-answer",
  "No Answer",
  "busy",
  "voicemail",
  "failed",
  "error",
  "in_progress",
  "In Progress",
  "in-progress",
  "ringing",
  "transferred",
  ""
] as const

const calls = (seed: number, count: number): ReadonlyArray<CallSession.CallSession> => {
  const { pick, roll } = dice(seed)
  const first = Date.parse(from) - 20 * 86_400_000
  const time = () => new Date(first + roll(40 * 86_400_000)).toISOString()
  return Array.from({ length: count }, (_, at): CallSession.CallSession => {
    const start = time()
    const agent = roll(7)
    return {
      id: `call-${at}`,
      ...(roll(10) === 0 ? {} : { startedAt: start }),
      ...(roll(20) === 0 ? {} : { createdAt: roll(2) === 0 ? start : time() }),
      ...(roll(4) === 0 ? {} : { endedAt: start }),
      ...(roll(20) === 0 ? {} : { status: pick(statuses) }),
      ...(roll(5) === 0 ? {} : { durationSec: roll(4) === 0 ? 0 : roll(3000) }),
      ...(roll(5) === 0 ? {} : { callLatencyMs: roll(2500) }),
      ...(roll(5) === 0 ? {} : { costTotal: pick([`${roll(50)}.${roll(10_000_000)}`, "0.1", "0.2", "7", "-0.3"]) }),
      channel: pick(["inbound_call", "outbound_call", "web_call"]),
      callerNumber: `+1415555${1000 + roll(count)}`,
      calleeNumber: `+4930555${1000 + roll(50)}`,
      ...(agent === 0 ? {} : { agentId: `agent-${agent}`, agentName: `Agent ${agent}` }),
      ...(roll(3) === 0 ? {} : { disconnectReason: pick(["user_hangup", "agent_hangup", "timeout"]) })
    }
  })
}

/** What a report counts of a call, in SQL. */
const view = `CREATE OR REPLACE VIEW calls AS SELECT *,
  coalesce(try_cast(startedAt AS TIMESTAMPTZ), try_cast(createdAt AS TIMESTAMPTZ)) AS time,
  time AT TIME ZONE '${zone}' AS local,
  CASE regexp_replace(lower(coalesce(status, '')), '[ _-]+', '', 'g')
    WHEN 'completed' THEN 'completed' WHEN 'ended' THEN 'completed' WHEN 'noanswer' THEN 'missed'
    WHEN 'busy' THEN 'busy' WHEN 'voicemail' THEN 'voicemail' WHEN 'failed' THEN 'failed' WHEN 'error' THEN 'failed'
    WHEN 'inprogress' THEN 'in progress' WHEN 'ringing' THEN 'in progress' ELSE 'other' END AS outcome,
  CAST(costTotal AS DECIMAL(38, 9)) AS cost,
  outcome IN ('missed', 'busy', 'voicemail', 'failed')
    OR (outcome = 'completed' AND endedAt IS NOT NULL AND costTotal IS NOT NULL) AS final,
  CASE channel WHEN 'inbound_call' THEN callerNumber WHEN 'outbound_call' THEN calleeNumber END AS customer
  FROM file`

const names =
  "id startedAt createdAt endedAt status costTotal channel callerNumber calleeNumber agentId agentName disconnectReason"
const columns = names.split(" ").map((name) => `${name}: 'VARCHAR'`)

/** What DuckDB says of the calls: rows of text, sorted, in which PERIOD is whether a call is in the period. */
const asked = async (rows: ReadonlyArray<object>, questions: Readonly<Record<string, string>>) => {
  const folder = mkdtempSync(join(tmpdir(), "callstream-report-"))
  const file = join(folder, "calls.ndjson")
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""))
  const shape = `{${columns.join(", ")}, durationSec: 'BIGINT', callLatencyMs: 'BIGINT'}`
  await Duck.all(`CREATE OR REPLACE TABLE file AS SELECT * FROM read_ndjson('${file}', columns = ${shape})`)
  await Duck.all(view)
  const answers: Record<string, ReadonlyArray<string>> = {}
  for (const [name, sql] of Object.entries(questions)) {
    const period = `(time >= TIMESTAMPTZ '${from}' AND time < TIMESTAMPTZ '${to}')`
    const rows = await Duck.all(sql.replaceAll("PERIOD", period))
    answers[name] = rows.map((row) => Object.values(row).map(String).join("|")).sort()
  }
  rmSync(folder, { recursive: true })
  return answers
}

const instant = (text: string) => Instant.parse(text) ?? Instant.of(0)
const money = (amount: BigDecimal.BigDecimal) => Money.toFixed(amount, 9)
const sums = ({ calls, final, open, seconds }: Totals.Totals) =>
  [calls, seconds, final.calls, money(final.cost), open.calls, money(open.cost)].join("|")

const sumsInSql = `count(*), coalesce(sum(durationSec), 0), count(*) FILTER (final),
  coalesce(sum(cost) FILTER (final), 0)::DECIMAL(38, 9), count(*) FILTER (NOT final),
  coalesce(sum(cost) FILTER (NOT final), 0)::DECIMAL(38, 9)`

const percents = [1, 50, 90, 95, 99, 100]
const percentilesInSql = (column: string) =>
  `SELECT ${percents.map((percent) => `quantile_disc(${column}, ${percent / 100})`).join(", ")} FROM calls WHERE PERIOD AND ${column} > 0`
const percentiles = (distribution: Distribution.Distribution) => [
  percents.map((percent) => Distribution.percentile(distribution, percent)).join("|")
]

const repeated = `SELECT customer, count(*) AS n, max(time) AS last FROM calls WHERE PERIOD AND customer IS NOT NULL GROUP BY 1 HAVING n > 1`

const questions = {
  total: `SELECT ${sumsInSql} FROM calls WHERE PERIOD`,
  before: `SELECT ${sumsInSql} FROM calls WHERE time >= TIMESTAMPTZ '${from}' - (TIMESTAMPTZ '${to}' - TIMESTAMPTZ '${from}') AND time < TIMESTAMPTZ '${from}'`,
  days: `SELECT strftime(local, '%Y-%m-%d'), ${sumsInSql} FROM calls WHERE PERIOD GROUP BY 1`,
  outcomes: "SELECT outcome, count(*) FROM calls WHERE PERIOD GROUP BY 1",
  statuses: "SELECT outcome, coalesce(status, ''), count(*) FROM calls WHERE PERIOD GROUP BY 1, 2",
  agents: `SELECT coalesce(agentId, ''), coalesce(agentName, ''), ${sumsInSql} FROM calls WHERE PERIOD GROUP BY 1, 2`,
  hours: "SELECT isodow(local) - 1, hour(local), count(*) FROM calls WHERE PERIOD GROUP BY 1, 2",
  reasons: "SELECT disconnectReason, count(*) FROM calls WHERE PERIOD AND disconnectReason IS NOT NULL GROUP BY 1",
  durations: percentilesInSql("durationSec"),
  latency: percentilesInSql("callLatencyMs"),
  bins: `SELECT CASE WHEN durationSec < 10 THEN 1 WHEN durationSec < 60 THEN 10 WHEN durationSec < 600 THEN 60 ELSE 600 END, count(*) FROM calls WHERE PERIOD AND durationSec > 0 GROUP BY 1`,
  callers: `SELECT (SELECT count(DISTINCT customer) FROM calls WHERE PERIOD), count(*), coalesce(sum(n), 0) FROM (${repeated})`,
  most: `SELECT customer, n, epoch_us(last) FROM (${repeated}) ORDER BY n DESC, last DESC LIMIT 20`,
  withoutTime: "SELECT count(*) FROM calls WHERE time IS NULL"
}

/** The same of a report. */
const told = (report: Report.Report): Record<keyof typeof questions, ReadonlyArray<string>> => {
  const { agents, callers, days, durations, hours, latency, reasons, statuses, totals, withoutTime } = report
  const bins = Distribution.bins(durations, [1, 10, 60, 600])
  return {
    total: [sums(totals)],
    before: report.before === undefined ? [] : [sums(report.before)],
    days: days.flatMap(({ date, totals }) => (totals.calls === 0 ? [] : [`${date}|${sums(totals)}`])),
    outcomes: Outcome.all.flatMap((outcome) =>
      totals.outcomes[outcome] === 0 ? [] : [`${outcome}|${totals.outcomes[outcome]}`]
    ),
    statuses: statuses.map(({ calls, outcome, text }) => `${outcome}|${text}|${calls}`),
    agents: agents.map(({ id, name, totals }) => `${id}|${name}|${sums(totals)}`),
    hours: hours.flatMap((row, day) => row.flatMap((calls, hour) => (calls === 0 ? [] : [`${day}|${hour}|${calls}`]))),
    reasons: reasons.map(({ calls, text }) => `${text}|${calls}`),
    durations: percentiles(durations),
    latency: percentiles(latency),
    bins: bins.map(({ count, from }) => `${from}|${count}`),
    callers: [[callers.known, callers.repeated, callers.calls].join("|")],
    most: callers.most.map(({ calls, last, number }) => `${number}|${calls}|${last}`),
    withoutTime: [`${withoutTime}`]
  }
}

describe("Report", () => {
  it(`counts as DuckDB does, whatever the order and the arrays, seed ${seed}`, async () => {
    const all = calls(seed, 20_000)
    const answers = await asked(all, questions)
    const { roll } = dice(seed + 1)
    const shuffled = all.map((call) => ({ call, at: roll(1_000_000) })).sort((left, right) => left.at - right.at)
    const fold = Report.fold({
      calendar: Calendar.make(DateTime.zoneMakeNamedUnsafe(zone)),
      from: instant(from),
      to: instant(to),
      repeats: true
    })
    for (let at = 0; at < shuffled.length;) {
      const next = at + 1 + roll(700)
      const some = shuffled.slice(at, next).map(({ call }) => call)
      fold.add(some)
      // As in a file that was joined twice.
      if (roll(5) === 0) fold.add(some)
      at = next
    }
    const report = fold.report()
    assert.isAbove(report.totals.calls, 5000)
    assert.isAbove(report.repeats, 0)
    assert.strictEqual(report.days.length, 15)
    assert.deepStrictEqual(
      report.days.filter(({ partial }) => partial).map(({ date }) => date),
      ["2026-11-08"]
    )
    const ours = told(report)
    for (const name of Object.keys(questions) as ReadonlyArray<keyof typeof questions>) {
      assert.deepStrictEqual([...ours[name]].sort(), answers[name], name)
    }
  })

  it(`a bill is the final calls by group, exactly, seed ${seed}`, async () => {
    const all = calls(seed, 5000)
    const { groups, last, open } = await asked(all, {
      groups: `SELECT coalesce(agentId, ''), count(*) FILTER (final), coalesce(sum(durationSec) FILTER (final), 0),
        coalesce(sum(cost) FILTER (final), 0)::DECIMAL(38, 9), count(*) FILTER (NOT final) FROM calls WHERE PERIOD GROUP BY 1`,
      open: "SELECT id, coalesce(cost, -1)::DECIMAL(38, 9) FROM calls WHERE PERIOD AND NOT final",
      last: "SELECT epoch_us(max(time)) FROM calls WHERE PERIOD"
    })
    const fold = Bill.fold({ from: instant(from), to: instant(to), groupOf: ({ agentId }) => agentId ?? "" })
    fold.add(all)
    const bill = fold.bill()
    assert.deepStrictEqual(
      bill.groups
        .map(({ calls, cost, group, open, seconds }) => [group, calls, seconds, money(cost), open].join("|"))
        .sort(),
      groups
    )
    assert.deepStrictEqual(
      bill.open.map(({ cost, id }) => `${id}|${money(cost ?? BigDecimal.fromNumberUnsafe(-1))}`).sort(),
      open
    )
    assert.deepStrictEqual([`${bill.last}`], last)
    assert.strictEqual(bill.total.open, bill.open.length)
  })
})
