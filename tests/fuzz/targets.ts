import type { FuzzTarget } from "./fuzz-target.ts";
import { addresses } from "./targets/addresses.ts";
import { agentConnection } from "./targets/agent-connection.ts";
import { agentFrames } from "./targets/agent-frames.ts";
import { attributeFilters } from "./targets/attribute-filters.ts";
import { controlChannel } from "./targets/control-channel.ts";
import { egressRequests } from "./targets/egress-requests.ts";
import { eventFilters } from "./targets/event-filters.ts";
import { fileAnswers } from "./targets/file-answers.ts";
import { grpcFraming } from "./targets/grpc-framing.ts";
import { helperMessages } from "./targets/helper-messages.ts";
import { logDirectives } from "./targets/log-directives.ts";
import { logFrames } from "./targets/log-frames.ts";
import { multipartForm } from "./targets/multipart-form.ts";
import { otlpRequests } from "./targets/otlp-requests.ts";
import { outputSegments } from "./targets/output-segments.ts";
import { plainHeads } from "./targets/plain-heads.ts";
import { searchTerms } from "./targets/search-terms.ts";
import { streamLines } from "./targets/stream-lines.ts";
import { subscriptionForms } from "./targets/subscription-forms.ts";
import { terminalText } from "./targets/terminal-text.ts";
import { traceHeaders } from "./targets/trace-headers.ts";

/** Every parser that is fuzzed here. */
export const TARGETS: readonly FuzzTarget[] = [
  ...[agentFrames, agentConnection, helperMessages, controlChannel, fileAnswers],
  ...[streamLines, outputSegments, logFrames, terminalText],
  ...[addresses, egressRequests, traceHeaders, grpcFraming, plainHeads, otlpRequests],
  ...[eventFilters, searchTerms, attributeFilters, logDirectives],
  ...[multipartForm, subscriptionForms],
];
