import type { Sender } from "../bus/sending.ts";
import type { MessageType } from "../message/index.ts";

/** A message type as a tool that an LLM can call. */
export interface AgentTool {
  /** The type's name with `_` for dots, as tool names demand. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Sends the arguments as a request to the agent, or as a plain message where the type declares no reply. */
  call(payload: unknown): Promise<unknown>;
}

/** The given types of one agent as tools, called through `sender`. */
export function toolsOf(agent: string, types: readonly MessageType[], sender: Sender<MessageType>): AgentTool[] {
  return types.map((type) => ({
    name: type.name.replaceAll(".", "_"),
    description: type.description ?? `Sends ${type.name} to ${agent}`,
    parameters: type.jsonSchema() as Readonly<Record<string, unknown>>,
    call: async (payload) => {
      if (type.hasReply) return sender.request(type, payload as never, { to: agent });
      const receipt = await sender.send(type, payload as never, { to: agent });
      return { id: receipt.id };
    },
  }));
}
