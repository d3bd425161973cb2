// Package broker is the connection to NATS: dialling it, living through its loss, and
// asking through it. The rooms below it are everything else that is NATS; their arrows
// point down this list and to this package (docs/adr/016-broker-rooms.md):
//
//	lanes, erasure       operators' commands that change something
//	status, letters      what operators look at
//	devices, events      the device directory; the stream of events
//	queue                the main path: Source, Scheduler, DeadLetters, ShareMarks
//	history, topology    reading a stream; which streams and durables there are
//	wire                 subjects, headers
//
// It refuses to know what is sent and stored.
//
// # Permissions
//
// What a user must be allowed to publish, for stream PUSH and handler fcm; to
// subscribe it needs its inbox only. Each line is tested. Whole sets for the roles,
// devices and events included, are in deploy/permissions.
//
//	run, provisioned by others   $JS.API.STREAM.INFO of PUSH, PUSH_RETRY and PUSH_DEAD,
//	                             $JS.API.CONSUMER.INFO.PUSH.fcm, $JS.API.CONSUMER.MSG.NEXT.PUSH.fcm,
//	                             $JS.ACK.PUSH.fcm.>, $JS.ACK.*.*.PUSH.fcm.>; the same four for PUSH_RETRY.fcm
//	                             and PUSH_RETRY.fcm-suspects; push.schedule.fcm.>, push.retry.fcm,
//	                             push.retry.fcm.suspects, push.dead.fcm, push.dead._malformed.>
//	+ janitor                    $JS.API.CONSUMER.LIST.PUSH, $JS.API.STREAM.PURGE.PUSH
//	+ positions of lanes         $KV.push-lanes.>, $JS.API.DIRECT.GET.KV_push-lanes
//	+ complete status            $JS.API.DIRECT.GET.PUSH, $JS.API.DIRECT.GET.PUSH_RETRY
//	lane retire                  $JS.API.CONSUMER.LIST.* and $JS.API.CONSUMER.DELETE.*.* of PUSH and PUSH_RETRY,
//	                             $JS.API.STREAM.PURGE.PUSH_RETRY; and positions of lanes
//	lane pause, resume           $JS.API.CONSUMER.PAUSE.PUSH.fcm, and the same of the other two durables
//	deadletter ls, show          $JS.API.DIRECT.GET.PUSH_DEAD; for an original also $JS.API.DIRECT.GET.PUSH
//	+ drop                       $JS.API.STREAM.MSG.DELETE.PUSH_DEAD
//	+ redrive                    the same, $JS.API.CONSUMER.INFO.PUSH_RETRY.fcm, $JS.API.STREAM.INFO.PUSH_RETRY,
//	                             push.retry.fcm, push.retry.fcm.suspects
//	replay                       $JS.API.DIRECT.GET.PUSH; with --handler and --yes also what the handler's devices need
//	explain                      $JS.API.DIRECT.GET of PUSH, PUSH_RETRY, PUSH_DEAD and PUSH_EVENTS,
//	                             $JS.API.STREAM.INFO.PUSH, $JS.API.CONSUMER.LIST.PUSH
//	erase                        $JS.API.DIRECT.GET and $JS.API.STREAM.MSG.DELETE of PUSH, PUSH_RETRY, PUSH_DEAD and
//	                             PUSH_EVENTS, $JS.API.STREAM.INFO.PUSH, $JS.API.STREAM.INFO.PUSH_EVENTS,
//	                             $JS.API.CONSUMER.LIST.PUSH, push.dead.>; and what device rm needs
//	provision                    $JS.API.STREAM.{INFO,CREATE,UPDATE}.*, $JS.API.STREAM.NAMES,
//	                             $JS.API.CONSUMER.INFO.*.*, $JS.API.CONSUMER.CREATE.>; and positions of lanes
package broker
