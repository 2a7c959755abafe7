/** Calls to report of, the same for a seed: in many spellings, with texts that markup would obey. */
import type { CallSession } from "@callstream/core"
import { dice } from "../../../../core/test/transform/Records.ts"

/** What must not be markup in a page. */
export const hostile = [
  "</script><script>window.broken=1</script>",
  '"><img src=x onerror="window.broken=1">',
  "</style><svg onload=window.broken=1>",
  "<!--",
  "&lt;b&gt; \u202e reversed"
] as const

const agents = ["Front Desk", "Support", "A name that is far longer than a telephone is wide", "予約受付", ...hostile]
const statuses = [
  "completed",
  "Completed",
  "ended",
  "no_answer",
  "No Answer",
  "busy",
  "voicemail",
  "failed",
  "in-progress",
  "<i>odd</i>"
] as const

export const secrets = { name: "Jane Roe", email: "jane.roe@example.com" }

/** The end of the period of the calls. */
export const end = Date.parse("2026-11-29T12:00:00Z")

export const calls = (seed: number, count: number, days: number): ReadonlyArray<CallSession.CallSession> => {
  const { pick, roll } = dice(seed)
  return Array.from({ length: count }, (_, nth): CallSession.CallSession => {
    const at = end - 1 - roll(days * 86_400_000)
    const time = new Date(at).toISOString()
    const status = pick(statuses)
    const connected = !/answer|busy|failed/i.test(status)
    const agent = roll(agents.length + 14)
    const durationSec = connected ? 1 + roll(1500) : 0
    const callerNumber = `+1415555${1000 + roll(2000)}`
    return {
      id: `call-${nth}`,
      status,
      agentId: `agent-${agent}`,
      agentName: agents[agent] ?? `Agent ${agent}`,
      channel: pick(["inbound_call", "outbound_call", "web_call"]),
      callerNumber,
      calleeNumber: `+4930555${1000 + roll(300)}`,
      callerName: secrets.name,
      callerEmail: secrets.email,
      createdAt: time,
      durationSec,
      ...(connected ? { startedAt: time, callLatencyMs: 200 + roll(1800) } : {}),
      ...(connected && status !== "in-progress" ? { endedAt: new Date(at + durationSec * 1000).toISOString() } : {}),
      ...(connected ? { costTotal: (durationSec * 0.0013).toFixed(4) } : {}),
      disconnectReason: pick(["user_hangup", "agent_hangup", "timeout", ...hostile]),
      ...(status === "failed"
        ? {
            errorMessage: pick([
              "SIP 486: Busy Here",
              `no route to ${callerNumber}`,
              `${secrets.name} (${secrets.email}) was cut off`,
              `Mr. Unique ${nth} complained`
            ])
          }
        : {})
    }
  })
}
