"""What is checked while our packages compile (//:nogo)."""

load("@rules_go//go:def.bzl", "TOOLS_NOGO")

# What "go vet" runs, but for passes that need assembly or cgo sources, and for
# loopclosure, which Go 1.22 made needless.
_VET = """
appends assign atomic bools buildtag composite copylock defers directive errorsas httpresponse
ifaceassert lostcancel nilfunc printf shift sigchanyzer slog stdmethods stringintconv
structtag testinggoroutine tests timeformat unmarshal unreachable unsafeptr unusedresult
""".strip().replace("\n", " ").split(" ")

# The checks of staticcheck that find mistakes rather than matters of taste. Left
# out: sa1004, sa1015, sa9003 (often meant so), sa1008, sa1027, sa6006, sa9010 (nothing here they could find),
# sa4000 (flags "first call || second call"; vet has bools), sa5011 (panics in staticcheck 0.8.2),
# sa5012 (would have every dependency analysed for facts, at more cost than compiling it).
_STATICCHECK = """
sa1000 sa1001 sa1002 sa1003 sa1005 sa1006 sa1007 sa1010 sa1011 sa1012 sa1013 sa1014 sa1016 sa1017
sa1018 sa1019 sa1020 sa1021 sa1023 sa1024 sa1025 sa1026 sa1028 sa1029 sa1030 sa1031 sa1032 sa2000
sa2001 sa2002 sa2003 sa3000 sa3001 sa4001 sa4003 sa4004 sa4005 sa4006 sa4008 sa4009 sa4010
sa4011 sa4012 sa4013 sa4014 sa4015 sa4016 sa4017 sa4018 sa4019 sa4020 sa4021 sa4022 sa4023 sa4024
sa4025 sa4026 sa4027 sa4028 sa4029 sa4030 sa4031 sa4032 sa5000 sa5001 sa5002 sa5003 sa5004 sa5005
sa5007 sa5008 sa5009 sa5010 sa6000 sa6001 sa6002 sa6003 sa6005 sa9001 sa9002 sa9004
sa9005 sa9006 sa9007 sa9008 sa9009
""".strip().replace("\n", " ").split(" ")

ANALYZERS = [
    a
    for a in TOOLS_NOGO
    if a.split("/")[-1].split(":")[0] in _VET
] + [
    "@co_honnef_go_tools//staticcheck/" + c
    for c in _STATICCHECK
]
