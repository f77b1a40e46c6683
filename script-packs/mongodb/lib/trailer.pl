# Passes standard input on without its last line, the trailer, and fails if that is missing. The trailer is held back, so that a program
# that reads the rest never takes it for its own.
use strict;
use warnings;

my ($trailer, $length) = @ARGV;
binmode STDIN;
binmode STDOUT;
my $held = '';
while (1) {
    my $read = read STDIN, my $bytes, 1 << 20;
    defined $read or die "the dump cannot be read: $!\n";
    last if $read == 0;
    $held .= $bytes;
    if (length $held > $length) {
        print STDOUT substr($held, 0, length($held) - $length, '') or die "mongorestore does not read any more: $!\n";
    }
}
$held =~ /\A\Q$trailer\E \w+ +\d+ +\d+\n\z/ or die "the dump is not whole: its trailer is missing\n";
close STDOUT or die "mongorestore does not read any more: $!\n";
