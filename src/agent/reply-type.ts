import { compiled } from "../message/compiled.ts";
import type { MessageType } from "../message/index.ts";

/** The type under which a reply travels: the request's name with `.reply`; undefined where no reply is declared. */
export function replyTypeOf(type: MessageType): MessageType | undefined {
  if (compiled(type).reply === undefined) return undefined;
  return { name: `${type.name}.reply`, version: type.version } as MessageType;
}
