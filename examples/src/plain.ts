/** The same without Effect: promises and `for await`. `node src/plain.ts` */
import { AgniError, createClient } from "@callstream/client"
import { connect } from "./plain-connect.ts"

await using connection = await connect()
const client = createClient({ apiKey: connection.apiKey, baseUrl: connection.baseUrl })

try {
  let calls = 0
  let seconds = 0
  const inbound = client.sessions({ from: "2025-01-01", channel: "inbound_call" })
  for await (const session of inbound) {
    calls += 1
    seconds += session.durationSec ?? 0
  }
  console.log(`${calls} inbound calls, ${Math.round(seconds / 60)} minutes`)
  console.log(`proven until ${inbound.verdict?.provenUntil}`)

  // Leaving the loop stops the reading.
  for await (const session of client.sessions()) {
    if ((session.durationSec ?? 0) < 600) continue
    console.log(`one of more than ten minutes: ${session.id}`)
    break
  }
} catch (error) {
  if (!(error instanceof AgniError)) throw error
  console.error(`${error.reason._tag} after ${error.attempts} attempts: ${error.reason.message}`)
  process.exitCode = 1
}
